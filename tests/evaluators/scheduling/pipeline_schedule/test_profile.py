from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, Outcome, Split, Tier
from evaluators.scheduling.pipeline_schedule.profile import fairest_cuts
from evaluators.scheduling.pipeline_schedule.scenario import Scenario
from evaluators.scheduling.pipeline_schedule.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.pipeline_schedule.pipelines import CLOCK, SERIAL
from tests.in_process import InProcessCandidate

HEADER = "name,forward_us,input_us,weight_us,activation_mb,kept_mb"
LAYERS = [("embedding", 20, 10, 60, 40, 20), *[(f"layer{i}", 100, 130, 70, 200, 150) for i in range(6)]]
LAYERS += [("head", 180, 180, 180, 90, 60)]


def a_file(folder: Path, rows: list[tuple[object, ...]] | None = None, header: str = HEADER) -> str:
    path = folder / "layers.csv"
    lines = [",".join(map(str, row)) for row in (LAYERS if rows is None else rows)]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return str(path)


def scenarios(split: Split, **told: str) -> list[Scenario]:
    return list(PROBLEM.configured(told).instances(Tier.QUICK, split, SeedSource(secret_from_seed(0), split)))


def test_the_report_split_plays_layers_as_they_are(tmp_path: Path) -> None:
    (only,) = scenarios(Split.REPORT, profile=a_file(tmp_path))
    pipeline = only.pipeline
    assert pipeline.devices == 8
    assert pipeline.micro_batches == 32
    assert pipeline.times_us_KS.T.tolist() == [list(row[1:4]) for row in LAYERS]
    assert pipeline.activation_mb_S.tolist() == [row[4] for row in LAYERS]
    assert pipeline.kept_mb_S.tolist() == [row[5] for row in LAYERS]
    assert pipeline.capacity_mb_D.tolist() == [sum(int(row[4]) for row in LAYERS)] * 8
    assert pipeline.link_us_S.tolist() == [0] * 8


def test_layers_are_put_together_to_stages(tmp_path: Path) -> None:
    told = {"devices": "2", "chunks": "2", "placement": "wave", "link_us": "7", "capacity_mb": "9999"}
    (only,) = scenarios(Split.REPORT, profile=a_file(tmp_path), micro_batches="5", **told)
    pipeline = only.pipeline
    assert pipeline.device_S.tolist() == [0, 1, 1, 0]
    assert pipeline.link_us_S.tolist() == [7, 0, 7, 0]
    assert pipeline.times_us_KS.sum() == sum(sum(row[1:4]) for row in LAYERS)
    assert pipeline.times_us_KS.sum(axis=0).max() == 690
    assert pipeline.capacity_mb_D.tolist() == [9999] * 2
    assert only.play(InProcessCandidate(SERIAL), CLOCK).outcome is Outcome.SCORED


def test_json_says_the_same_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "layers.json"
    path.write_text(json.dumps([dict(zip(HEADER.split(","), row, strict=True)) for row in LAYERS]), encoding="utf-8")
    (one,), (other,) = (scenarios(Split.REPORT, profile=told) for told in (str(path), a_file(tmp_path)))
    assert (one.pipeline.times_us_KS == other.pipeline.times_us_KS).all()
    assert (one.weak_us, one.bound_us) == (other.weak_us, other.bound_us)


def test_other_splits_play_what_is_like_it(tmp_path: Path) -> None:
    told = a_file(tmp_path)
    search, holdout = (scenarios(split, profile=told) for split in (Split.SEARCH, Split.HOLDOUT))
    assert len(search) == len(holdout) == 28
    assert len({one.weak_us for one in search}) == 28
    for one in (*search, *holdout):
        assert np.allclose(one.pipeline.times_us_KS.T, [row[1:4] for row in LAYERS], rtol=0.2, atol=1)
    assert {one.pipeline.micro_batches for one in search} == {16, 24, 32}
    capacities = [{int(one.pipeline.capacity_mb_D[0]) for one in split} for split in (search, holdout)]
    assert not capacities[0] & capacities[1]


def test_one_backward_pass_is_the_sum(tmp_path: Path) -> None:
    told = {"devices": "4", "chunks": "2", "backward": "fused"}
    (only,) = scenarios(Split.REPORT, profile=a_file(tmp_path), **told)
    assert only.pipeline.weight_us_S.tolist() == [0] * 8
    assert only.pipeline.input_us_S.tolist() == [int(row[2]) + int(row[3]) for row in LAYERS]
    assert only.pipeline.kept_mb_S.tolist() == [0] * 8


@pytest.mark.parametrize("stages", [1, 2, 3, 5, 7])
def test_no_cut_has_a_faster_slowest_stage(stages: int) -> None:
    times = np.random.default_rng(stages).random(7)

    def slowest(cuts: tuple[int, ...]) -> float:
        return float(np.add.reduceat(times, [0, *cuts]).max())

    cuts = fairest_cuts(times, stages)
    assert cuts[0] == 0
    assert len(set(cuts)) == stages
    assert slowest(tuple(cuts[1:])) == pytest.approx(min(map(slowest, combinations(range(1, 7), stages - 1))))


@pytest.mark.parametrize(
    ("rows", "header", "sentence"),
    [
        ([LAYERS[0]], HEADER, "expected 2 to 4096 layers, found 1"),
        ([LAYERS[0], ("x", 1, 1, 1, 5, 6)], HEADER, r"row 1: expected kept_mb of at most activation_mb \(5\), found 6"),
        ([LAYERS[0], ("x", 0, 1, 1, 5, 1)], HEADER, "row 1: expected forward_us, .* above 0, found 0, 1 and 5"),
        ([LAYERS[0], ("x", "n/a", 1, 1, 5, 1)], HEADER, "row 1, forward_us: expected a number .*, found 'n/a'"),
        ([LAYERS[0], ("x", -1, 1, 1, 5, 1)], HEADER, "row 1, forward_us: expected a number .*, found '-1'"),
        ([LAYERS[0], ("x", "nan", 1, 1, 5, 1)], HEADER, "row 1, forward_us: expected a number"),
        ([LAYERS[0], ("x", 1, 1, 1, 5)], HEADER, "row 1: expected 6 fields, found 5"),
        (LAYERS, HEADER.replace("kept_mb", "kept"), "row 0: expected forward_us, .*, found no kept_mb"),
        (LAYERS, HEADER.replace("name", "speed"), "row 0: expected forward_us, .*, found 'speed'"),
        (LAYERS, HEADER.replace("name", "kept_mb"), "expected every column once"),
    ],
)  # fmt: skip
def test_files_that_are_no_profile_name_the_place(
    tmp_path: Path, rows: list[tuple[object, ...]], header: str, sentence: str
) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"profile": a_file(tmp_path, rows, header)})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "expected rows of layers, found nothing"),
        (b"\xff\xfe\x00", "expected CSV or JSON in UTF-8"),
        (b"[{]", "expected JSON or CSV"),
        (b'{"a": 1}', "expected a list of objects, found dict"),
        (b"[1, 2]", "expected a list of objects, found list"),
        (b'a,"b', "expected CSV"),
    ],
)
def test_what_is_neither_csv_nor_json_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "layers"
    path.write_bytes(content)
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"profile": str(path)})


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"pattern": "vee"}, "profile: says what the stages are; expected no pattern beside it"),
        ({"chunks": "3"}, "devices: 8 layers are no whole number of times 3 chunks"),
        ({"devices": "5", "chunks": "2"}, "devices: 5 of 2 stages each need as many layers or more"),
        (
            {"capacity_mb": "150"},
            "capacity_mb: one micro-batch takes up to 200 MB on a device; expected so much or more",
        ),
        ({"devices": "2", "capacity_mb": "850", "backward": "fused"}, "nothing can be won"),
    ],
)
def test_settings_that_do_not_fit_a_profile_are_refused(tmp_path: Path, told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"profile": a_file(tmp_path), **told})
