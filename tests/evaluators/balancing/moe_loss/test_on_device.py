"""The path that the GPU takes, on the CPU: the loss beside the model, other precisions, resumable jobs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="moe_loss trains with torch, which is not installed here")

from benchmarks.moe_report import SMALL, collected, experts_of, run_jobs, scaled  # noqa: E402
from evaluators.balancing.moe_loss.model import Engine, Model  # noqa: E402
from evaluators.balancing.moe_loss.on_device import OnDevice  # noqa: E402
from evaluators.balancing.moe_loss.trainer import Trained, fit, train, weight_stream  # noqa: E402
from tests.evaluators.balancing.moe_loss.losses import COURSE, GLOBAL, SHAPE, a_balancer, a_recipe  # noqa: E402

CPU = torch.device("cpu")
BASELINES = Path(__file__).parents[4] / "seeds" / "moe_loss" / "baselines"


def on_device(source: str, engine: Engine) -> Trained:
    beside = OnDevice(source, SHAPE, COURSE, CPU, seed=5)
    return fit(Model(SHAPE, weight_stream(3), engine), COURSE, a_recipe().data(), beside)


@pytest.mark.parametrize("name", ["global_batch_lbl", "loss_free_bias", "shazeer", "quantile_balancing"])
def test_a_loss_beside_the_model_trains_as_one_that_is_asked_does(name: str) -> None:
    source = (BASELINES / f"{name}.py").read_text(encoding="utf-8")
    asked = train(SHAPE, COURSE, a_recipe().data(), 3, a_balancer(source))
    beside = on_device(source, Engine())
    assert np.array_equal(asked.nats_N, beside.nats_N)
    assert np.array_equal(asked.counts_PLME, beside.counts_PLME)


def test_products_of_bfloat16_train_nearly_the_same() -> None:
    exact, coarse = (on_device(GLOBAL, Engine(dtype=dtype)) for dtype in (torch.float32, torch.bfloat16))
    assert coarse.nats_N == pytest.approx(exact.nats_N, abs=0.05)
    assert not np.array_equal(coarse.nats_N, exact.nats_N)


def test_other_experts_can_be_put_in() -> None:
    seen = []

    def counting(rows, chosen, gates, up, down):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        seen.append(tuple(chosen.shape))
        return experts_of("torch")(rows, chosen, gates, up, down)

    assert np.array_equal(on_device(GLOBAL, Engine(experts=counting)).nats_N, on_device(GLOBAL, Engine()).nats_N)
    assert seen[0] == (128, 2)
    with pytest.raises(SystemExit, match="expected kernels=torch or kernels=triton, found 'cutlass'"):
        experts_of("cutlass")


def test_a_report_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    scale = scaled(replace(SMALL, shape=SHAPE), {"steps": "3"})
    run_jobs([(0, "global_batch_lbl"), (1, "global_batch_lbl")], tmp_path, 1e-9, scale, "torch")
    assert [path.name for path in tmp_path.iterdir()] == ["global_batch_lbl-0.json"]  # the first is always begun
    kept = (tmp_path / "global_batch_lbl-0.json").stat().st_mtime_ns
    run_jobs([(0, "global_batch_lbl"), (0, "none")], tmp_path, 60.0, scale, "torch")
    assert (tmp_path / "global_batch_lbl-0.json").stat().st_mtime_ns == kept
    rows = collected(tmp_path)["losses"]
    assert set(rows) == {"global_batch_lbl", "none"}
    assert rows["global_batch_lbl"]["score"] == 0.0
    job = json.loads((tmp_path / "none-0.json").read_text(encoding="utf-8"))
    reference = json.loads((tmp_path / "global_batch_lbl-0.json").read_text(encoding="utf-8"))
    gain = reference["metrics"]["iso_nats"] - job["metrics"]["iso_nats"]
    assert rows["none"]["score"] == pytest.approx(gain, abs=1e-5)


def test_a_report_without_its_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="expected jobs of global_batch_lbl"):
        collected(tmp_path)
    with pytest.raises(SystemExit, match="expected the settings kernels and steps, found depth"):
        scaled(SMALL, {"depth": "3"})
