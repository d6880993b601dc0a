from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import ContractError, InstanceResult, Outcome, ParameterValue, Split, Tier
from evaluators.scheduling.spot_deadline.parameters import USD_PER_GB
from evaluators.scheduling.spot_deadline.scenario import Scenario
from evaluators.scheduling.spot_deadline.suite import (
    HOLDOUT_REGIMES,
    HOLDOUT_TERMS,
    REGIMES,
    SEARCH_REGIMES,
    SEARCH_TERMS,
    TERMS,
    VALIDATION_REGIMES,
)
from evaluators.scheduling.spot_deadline.task import PROBLEM
from evaluators.scheduling.spot_deadline.trace import Trace
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem
from tests.evaluators.scheduling.spot_deadline.scenes import CLOCK, GREEDY, ON_DEMAND, START
from tests.in_process import InProcessCandidate


def seeds(split: Split = Split.SEARCH, seed: int = 0) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def results(
    problem: SuiteProblem[Trace | None, Scenario], source: str, tier: Tier = Tier.SMOKE
) -> list[InstanceResult]:
    return [s.play(InProcessCandidate(source), CLOCK) for s in problem.instances(tier, Split.SEARCH, seeds())]


def test_the_hold_out_has_other_availabilities_deadlines_overheads_and_regions() -> None:
    search_zones, holdout_zones = (
        {zone for regime in regimes for zone in regime.zones} for regimes in (SEARCH_REGIMES, HOLDOUT_REGIMES)
    )
    assert not search_zones & holdout_zones
    for part in (0, 1):
        assert not {terms[part] for terms in SEARCH_TERMS} & {terms[part] for terms in HOLDOUT_TERMS}
    assert {r.regions for r in SEARCH_REGIMES} == {1, 3}
    assert {r.regions for r in HOLDOUT_REGIMES} == {1, 2, 5}


def kinds(split: Split) -> dict[str, set[object]]:
    """What the jobs of a split are made of."""
    regimes = REGIMES[split]
    several = [regime for regime in regimes if regime.regions > 1]
    return {
        "regime": {regime.name for regime in regimes},
        "zone": {zone for regime in regimes for zone in regime.zones},
        "shared weather": {regime.weather.shared for regime in several},
        "price spread": {regime.spot_fractions for regime in several} | {regime.dearest for regime in several},
        "checkpoint": {regime.checkpoint_gb for regime in several},
        "deadline": {ratio for ratio, _ in TERMS[split]},
        "overhead": {overhead_h for _, overhead_h in TERMS[split]},
    }


@pytest.mark.parametrize("other", [Split.SEARCH, Split.HOLDOUT])
def test_validation_shares_neither_places_nor_prices_nor_terms_with(other: Split) -> None:
    validation, apart = kinds(Split.VALIDATION), kinds(other)
    assert not [axis for axis, values in validation.items() if values & apart[axis]]


def test_validation_moves_dearer_than_search_and_cheaper_than_the_hold_out() -> None:
    dearest = [
        max(s.job.move_usd for s in PROBLEM.instances(Tier.SMOKE, split, seeds(split)))
        for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT)
    ]
    assert dearest == pytest.approx([1.0, 2.0, 4.0])
    assert {regime.regions for regime in VALIDATION_REGIMES} == {1, 2, 4}


@pytest.mark.parametrize("split", [Split.SEARCH, Split.VALIDATION, Split.HOLDOUT])
def test_every_scenario_has_something_to_save_and_a_name_of_its_own(split: Split) -> None:
    scenarios = PROBLEM.instances(Tier.QUICK, split, seeds(split))
    assert len({s.name for s in scenarios}) == len(scenarios) >= 12
    assert {s.regime for s in scenarios} == {regime.name for regime in REGIMES[split]}
    for scenario in scenarios:
        assert scenario.optimum_usd <= 0.9 * scenario.job.on_demand_only_usd
        assert scenario.job.deadline >= scenario.job.work + scenario.job.overhead


def test_seeds_decide_everything() -> None:
    first, again, other = (PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds(seed=s)) for s in (3, 3, 4))
    assert all((a.available_TR == b.available_TR).all() and a.job == b.job for a, b in zip(first, again, strict=True))
    assert [a.name for a in first] == [c.name for c in other]
    assert any(a.optimum_usd != c.optimum_usd for a, c in zip(first, other, strict=True))


def test_what_the_user_sets_holds_everywhere() -> None:
    told: dict[str, ParameterValue | str] = {
        "work_h": "20", "deadline_h": "30", "overhead_h": "0.5", "tick_s": "300", "regions": "2", "availability": "0.7",
        "flips_per_day": "12", "on_demand_usd_per_h": "10", "spot_fraction": "0.4", "checkpoint_gb": "100",
        "usd_per_gb": "0.05",
    }  # fmt: skip
    problem = PROBLEM.configured(told)
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        for scenario in problem.instances(Tier.SMOKE, split, seeds(split)):
            job = scenario.job
            assert (job.work, job.deadline, job.overhead, job.regions) == (240, 360, 6, 2)
            assert job.on_demand_usd[0] == pytest.approx(10 / 12)
            assert job.spot_usd == pytest.approx((4 / 12, 4 / 12))
            assert job.move_usd == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"deadline_h": "40"}, "deadline_h: expected at least the work and one start"),
        ({"overhead_h": "9"}, "deadline_h: expected at least the work and one start"),
        ({"deadlin_h": "60"}, "did you mean 'deadline_h'"),
        ({"regions": "0"}, "regions: expected a value from 1 to 16, found 0"),
        ({"tick_s": "nan"}, "tick_s: expected a number"),
        ({"availability": "1"}, "availability: expected a value from 0 to 0.99"),
        ({"work_h": "-3"}, "work_h: expected a value from"),
        ({"flips_per_day": "3"}, "counts only where availability is set"),
        ({"tick_s": "30"}, "tick_s: the optimum of a job .* set longer ticks"),
        (
            {"tick_s": "10", "work_h": "1000", "deadline_h": "1100", "overhead_h": "10", "regions": "16"},
            "16 regions takes 8.2e.15 steps, expected at most 5e.08",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured(told)


@pytest.mark.parametrize("said", ["availability", "flips_per_day"])
def test_what_a_trace_would_make_vain_is_refused_beside_it(tmp_path: Path, said: str) -> None:
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"zones": {"a": [{"state": "up", "seconds": 3e6}]}}))
    PROBLEM.configured({"trace": str(path)})
    with pytest.raises(ContractError, match="expected no availability or flips_per_day beside it"):
        PROBLEM.configured({"trace": str(path), said: "0.5"})


def test_ticks_of_a_minute_are_played_in_one_region() -> None:
    PROBLEM.configured({"tick_s": "60", "regions": "1"})


def test_a_place_without_spot_is_refused_with_a_remedy() -> None:
    problem = PROBLEM.configured({"availability": "0.01", "regions": "1"})
    with pytest.raises(ContractError, match="no plan saved 10 % .* set a higher availability"):
        problem.instances(Tier.SMOKE, Split.SEARCH, seeds())


def test_feedback_and_pictures_are_aggregates() -> None:
    played = results(PROBLEM, GREEDY)
    text = PROBLEM.feedback(played)
    assert text.count("\n- ") == len(SEARCH_REGIMES)
    assert "scarce: score" in text
    failed = InstanceResult(name="fair-9", regime="fair", outcome=Outcome.INVALID, detail="the mode must be 0")
    assert "- fair: invalid: the mode must be 0" in PROBLEM.feedback([failed])
    assert "- fair, 8 instances: invalid: the mode must be 0" in PROBLEM.feedback([failed] * 8)
    assert [len(picture.rows) for picture in PROBLEM.pictures(played)] == [5, 5]
    assert PROBLEM.pictures([failed])[0].rows == ()


def test_every_metric_is_declared() -> None:
    reported = {name for result in results(PROBLEM, ON_DEMAND) for name in result.metrics}
    assert reported | {"score"} == {spec.name for spec in PROBLEM.task.metrics}


def test_jobs_of_every_shape_end_in_time() -> None:
    flapper = START + "        return (1, region) if available[region] and tick % 2 else (tick % 3 // 2 * 2, 0)"
    for told in ({"overhead_h": 0.0}, {"regions": 7}, {"deadline_h": 50.0}, {"tick_s": 3600.0}):
        for scenario in PROBLEM.configured(told).instances(Tier.SMOKE, Split.SEARCH, seeds()):
            result = scenario.play(InProcessCandidate(flapper), CLOCK)
            assert result.outcome is Outcome.SCORED
            assert result.metrics["spare_h"] >= 0.0


def test_spot_that_is_not_there_is_no_score() -> None:
    with pytest.raises(CandidateFailure, match="spot was chosen in region 0"):
        results(PROBLEM, START + "        return 1, 0")


def test_moving_a_checkpoint_is_priced_as_in_the_measured_grid() -> None:
    if "EVENKEEL_TRACES" not in os.environ:
        pytest.skip("EVENKEEL_TRACES is not set: no price grid to compare with")
    with gzip.open(Path(os.environ["EVENKEEL_TRACES"]) / "cloud_net_grid.csv.gz", "rt") as file:
        pairs = list(csv.DictReader(file))
    within = [
        float(p["usd_per_gb"]) for p in pairs
        if p["src_region"].startswith("aws:us-") and p["dst_region"].startswith("aws:us-") and p["usd_per_gb"]
    ]  # fmt: skip
    assert np.median(within) == pytest.approx(USD_PER_GB)
