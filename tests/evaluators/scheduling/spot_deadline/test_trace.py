from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluators.contract import ContractError, Split, Tier
from evaluators.scheduling.spot_deadline.task import PROBLEM
from evaluators.scheduling.spot_deadline.trace import Trace, read_trace
from evaluators.seeding import SeedSource, secret_from_seed

HOUR = 3600


def up(hours: float, **more: object) -> dict[str, object]:
    return {"state": "up", "seconds": hours * HOUR, **more}


def down(hours: float, **more: object) -> dict[str, object]:
    return {"state": "down", "seconds": hours * HOUR, **more}


def written(tmp_path: Path, zones: Any) -> str:
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"zones": zones}))
    return str(path)


def read(tmp_path: Path, zones: Any) -> Trace:
    return read_trace(f"{written(tmp_path, zones)}@{'0' * 64}")


def test_runs_are_read_in_order(tmp_path: Path) -> None:
    trace = read(tmp_path, {"a": [up(2), down(1, start_s=2 * HOUR), up(3)], "b": [down(8)]})
    assert trace.seconds == 6 * HOUR
    assert trace.zones["a"].at(np.array([0.0, 1.9, 2.0, 2.9, 3.0, 5.9]) * HOUR).tolist() == [1, 1, 0, 0, 1, 1]
    assert not trace.zones["b"].at(np.array([0.0])).any()


@pytest.mark.parametrize(
    ("zones", "sentence"),
    [
        (
            {"a": [up(2), down(1, start_s=3 * HOUR)]},
            r"zone a, run 1: .* start at 7200 s.*found 10800 s \(a gap of 3600 s",
        ),
        ({"a": [up(2), down(1, start_s=HOUR)]}, r"an overlap of 3600 s"),
        (
            {"a": [up(2), {"state": "unknown", "seconds": 60}]},
            r'run 1: expected the state "up" or "down", found \'unkn',
        ),
        ({"a": [up(2), {"state": None, "seconds": 60}]}, "found None"),
        ({"a": [up(0)]}, "run 0: expected a positive number of seconds, found 0"),
        ({"a": [up(-1)]}, "expected a positive number of seconds"),
        ({"a": [{"state": "up", "seconds": "long"}]}, "seconds: expected a finite number, found 'long'"),
        ({"a": [{"state": "up", "seconds": True}]}, "expected a finite number, found True"),
        ({"a": [{"state": "up", "seconds": float("nan")}]}, "expected a finite number, found nan"),
        ({"a": [{"state": "up", "seconds": 10**400}]}, "expected a finite number, found 1000000"),
        ({"a": [{"state": "up"}]}, 'run 0: expected an object with "state" and "seconds"'),
        ({"a": [3]}, "run 0: expected an object"),
        ({"a": []}, "zone a: expected a list of runs, found none"),
        ({"a": "up"}, "zone a: expected a list of runs, found str"),
        ({}, 'expected an object with "zones"'),
        ([1], 'expected an object with "zones"'),
    ],
)
def test_a_malformed_trace_is_refused_with_the_place(tmp_path: Path, zones: object, sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        read(tmp_path, zones)


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_text("up,down")
    with pytest.raises(ContractError, match="expected JSON, found"):
        PROBLEM.configured({"trace": str(path)})
    with pytest.raises(ContractError, match="cannot read"):
        PROBLEM.configured({"trace": str(tmp_path / "none.json")})


def month(zones: int = 3) -> dict[str, list[dict[str, object]]]:
    """Thirty days of three hours up, one down, each zone an hour later; the last quarter is up throughout."""
    quarters = [[down(1 + z)] + [up(3), down(1)] * 134 + [up(184)] for z in range(zones)]
    return {f"zone-{z}": runs for z, runs in enumerate(quarters)}


def test_a_trace_stands_for_the_availability(tmp_path: Path) -> None:
    problem = PROBLEM.configured(
        {"trace": written(tmp_path, month()), "regions": "2", "work_h": "12", "deadline_h": "20"}
    )
    seeds = {split: SeedSource(secret_from_seed(1), split) for split in (Split.SEARCH, Split.HOLDOUT)}
    search = problem.instances(Tier.QUICK, Split.SEARCH, seeds[Split.SEARCH])
    holdout = problem.instances(Tier.QUICK, Split.HOLDOUT, seeds[Split.HOLDOUT])
    assert len(search) >= 12
    assert {scenario.regime for scenario in search} == {"recorded"}
    assert search[0].available_TR.shape == (300, 2)
    assert np.mean([s.available_TR for s in search]) == pytest.approx(0.75, abs=0.03)
    assert all(s.available_TR.all() for s in holdout)  # the last quarter, which search never saw
    assert problem.task.identity != PROBLEM.task.identity


def test_validation_plays_the_third_quarter_of_a_trace(tmp_path: Path) -> None:
    """Up in one quarter only: the first half is search's, the last quarter the hold-out's."""
    runs = [down(360), up(180), down(180)]
    path = written(tmp_path, {"a": runs})
    problem = PROBLEM.configured({"trace": path, "work_h": "12", "deadline_h": "20"})
    validation = problem.instances(Tier.QUICK, Split.VALIDATION, SeedSource(secret_from_seed(1), Split.VALIDATION))
    assert all(scenario.available_TR.all() for scenario in validation)
    assert {scenario.regime for scenario in validation} == {"recorded"}
    assert {scenario.job.move_usd for scenario in validation} == {1.0}
    assert all(s.job.spot_usd[0] == pytest.approx(0.3 * s.job.on_demand_usd[0]) for s in validation)


def test_a_trace_too_short_or_with_too_few_zones_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"a split has a quarter of it \(25 h\), but a job takes 52 h"):
        PROBLEM.configured({"trace": written(tmp_path, {"a": [up(50), down(50)]})})
    with pytest.raises(ContractError, match="has 3 zones, but regions was set to 4"):
        PROBLEM.configured({"trace": written(tmp_path, month()), "regions": "4"})
