"""What is made of measured times: rows over floors, and claims that hold or fail."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu_scale import full_scale
from benchmarks.gpu_summary import claims, remarks, rows, write_summary
from evaluators.kernels.floors import H200_DATASHEET, headline_shape, stage_floors_us, training_floor_us
from evaluators.kernels.shapes import Stage
from evaluators.kernels.tiles import Backward, Tiles

SHAPE = headline_shape(1024)
CEILINGS = {"ceilings": {"ceilings": asdict(H200_DATASHEET)}}


def a_timing(us: float, *, steady: bool = True) -> dict[str, Any]:
    return {"median_us": us, "low_us": 0.99 * us, "high_us": 1.01 * us, "steady": steady}


def at_share(share: float) -> dict[str, Any]:
    """All stages at `share` of what the ceilings allow."""
    floors = stage_floors_us(SHAPE, H200_DATASHEET)
    timings = {stage.value: a_timing(floors[stage] / share) for stage in Stage}
    return {"stages ff1024 even": {"shape": asdict(SHAPE), "timings": timings}}


def test_rows_tell_how_far_from_the_floor() -> None:
    found = rows({**CEILINGS, **at_share(0.5)})
    assert {row.what for row in found} == {stage.value for stage in Stage} | {"experts"}
    assert all(row.over_floor == pytest.approx(2.0) for row in found)
    assert all(row.spread == pytest.approx(0.02) for row in found)


def test_without_ceilings_there_is_nothing_to_compare_with() -> None:
    assert rows(at_share(0.5)) == []
    assert claims(at_share(0.5)) == []


@pytest.mark.parametrize(("share", "holds"), [(0.71, True), (0.69, False)])
def test_seven_tenths_of_the_ceilings_are_claimed(share: float, holds: bool) -> None:
    found = claims({**CEILINGS, **at_share(share)})
    assert [claim.claim.split(": ")[1].split(" ")[0] for claim in found] == ["grouped", "permute", "combine"]
    assert all(claim.found == pytest.approx(share) for claim in found)
    assert all(claim.holds is holds for claim in found)


def test_forward_and_backward_are_held_to_their_floor() -> None:
    floor = training_floor_us(SHAPE, H200_DATASHEET)
    timings = {"ours": a_timing(1.7 * floor), "looped": a_timing(4.0 * floor)}
    results = {**CEILINGS, "forward_backward ff1024 looped": {"shape": asdict(SHAPE), "timings": timings}}
    (claim,) = claims(results)
    assert claim.found == pytest.approx(1.7)
    assert claim.holds


def test_backward_products_have_the_floor_of_the_forward_product_they_belong_to() -> None:
    timings = {step.value: a_timing(1000.0) for step in Backward}
    found = {
        row.what: row for row in rows({**CEILINGS, "backward ff1024": {"shape": asdict(SHAPE), "timings": timings}})
    }
    floors = stage_floors_us(SHAPE, H200_DATASHEET)
    assert found["grad_rows"].floor_us == found["grad_gate_up"].floor_us == floors[Stage.GATE_UP]
    assert found["grad_hidden"].floor_us == found["grad_down"].floor_us == floors[Stage.DOWN]


def test_remarks_name_the_tiles_taken_and_how_torch_compares() -> None:
    tiles = asdict(Tiles(block_m=128, block_n=256, block_k=64, num_warps=8, num_stages=4, tma=True))
    part = {
        "entry": {"tiles": tiles, "shape": asdict(SHAPE)},
        "default_us": 900.0,
        "best_us": 750.0,
        "refused": {"Tiles(...)": "too much shared memory"},
    }
    ours, torchs = remarks({"tune ff1024 down": {"entries": [part]}, "forward ff1024 looped": {"ratio": 1.5}})
    assert "128x256x64, 8 warps, copy engine: 1.20 times the default's speed; refused: Tiles(...)" in ours
    assert torchs == "forward ff1024 looped: takes 1.50 times as long as ours"


def test_a_replay_without_an_order_claims_nothing() -> None:
    assert claims({"replay on profile": {"correlation": None}}) == []
    (claim,) = claims({"replay on profile": {"correlation": 0.9}})
    assert not claim.holds


def test_wrong_kernels_are_a_broken_claim() -> None:
    (claim,) = claims({"correct bfloat16": {"checked": 48, "wrong": {"router: ties": "WrongResultError: ..."}}})
    assert claim.found == 1
    assert not claim.holds


def test_the_summary_is_a_file_and_a_text(tmp_path: Path) -> None:
    text = write_summary(full_scale(tmp_path, 16), {**CEILINGS, **at_share(0.8)})
    assert "holds: ff1024: permute over the copy bandwidth: 0.800 (wanted at least 0.7)" in text
    content = json.loads((tmp_path / "gpu_summary.json").read_text())
    assert content["measured"] is True
    assert len(content["rows"]) == 7
