from __future__ import annotations

import numpy as np
import pytest

from evaluators.contract import ContractError, InstanceResult, Outcome, ParameterValue, Split, Tier
from evaluators.scheduling.broadcast.grid import Grid
from evaluators.scheduling.broadcast.regimes import EDGES, HOLDOUT_REGIMES, SEARCH_REGIMES
from evaluators.scheduling.broadcast.scenario import Scenario
from evaluators.scheduling.broadcast.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem
from tests.evaluators.scheduling.broadcast.transfers import CLOCK, DIRECT
from tests.in_process import InProcessCandidate


def seeds(split: Split = Split.SEARCH, seed: int = 0) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def results(problem: SuiteProblem[Grid | None, Scenario], source: str) -> list[InstanceResult]:
    return [s.play(InProcessCandidate(source), CLOCK) for s in problem.instances(Tier.SMOKE, Split.SEARCH, seeds())]


def test_the_hold_out_has_regimes_sizes_and_providers_of_its_own() -> None:
    assert len(SEARCH_REGIMES) >= 4
    assert not {r.name for r in SEARCH_REGIMES} & {r.name for r in HOLDOUT_REGIMES}
    searched, held_out = (
        {provider.name for regime in regimes for provider in regime.providers}
        for regimes in (SEARCH_REGIMES, HOLDOUT_REGIMES)
    )
    assert held_out - searched == {"flat", "zoned", "open"}
    search_partitions = {count for regime in SEARCH_REGIMES for count in regime.partitions}
    assert not search_partitions & {count for regime in HOLDOUT_REGIMES for count in regime.partitions}


@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_every_scenario_has_something_to_save_and_a_name_of_its_own(split: Split) -> None:
    scenarios = PROBLEM.instances(Tier.QUICK, split, seeds(split))
    assert len({s.name for s in scenarios}) == len(scenarios) >= 12
    regimes = HOLDOUT_REGIMES if split is Split.HOLDOUT else SEARCH_REGIMES
    assert {s.regime for s in scenarios} == {regime.name for regime in regimes}
    for scenario in scenarios:
        transfer = scenario.transfer
        assert 0 < scenario.bound_usd <= 0.9 * scenario.direct.usd
        assert transfer.source not in transfer.destinations
        assert len(set(transfer.destinations)) == len(transfer.destinations)


def test_seeds_decide_everything() -> None:
    first, again, other = (PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds(seed=s)) for s in (3, 3, 4))
    for a, b in zip(first, again, strict=True):
        assert (a.transfer.network.gbps_RR == b.transfer.network.gbps_RR).all()
        assert (a.bound_usd, a.transfer.destinations) == (b.bound_usd, b.transfer.destinations)
    assert [a.name for a in first] == [c.name for c in other]
    assert any(a.bound_usd != c.bound_usd for a, c in zip(first, other, strict=True))


def test_the_edges_have_no_relays_one_partition_and_one_destination() -> None:
    scenarios = PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds())
    assert len(scenarios) == len(EDGES)
    assert any(not s.transfer.relays for s in scenarios)
    assert any(s.transfer.partitions == 1 for s in scenarios)
    assert any(len(s.transfer.destinations) == 1 for s in scenarios)
    assert any(s.transfer.time_usd_per_h == 0 for s in scenarios)


def test_what_the_user_sets_holds_everywhere() -> None:
    told: dict[str, ParameterValue | str] = {
        "regions": "9", "destinations": "4", "partitions": "3", "volume_gb": "70", "time_usd_per_h": "900",
        "machines": "5", "machine_usd_per_h": "2",
    }  # fmt: skip
    problem = PROBLEM.configured(told)
    for split in (Split.SEARCH, Split.HOLDOUT):
        for scenario in problem.instances(Tier.SMOKE, split, seeds(split)):
            transfer = scenario.transfer
            assert (transfer.network.regions, len(transfer.destinations), transfer.partitions) == (9, 4, 3)
            assert (transfer.volume_gb, transfer.time_usd_per_h) == (70.0, 900.0)
            assert transfer.network.machines_usd_per_h_R == pytest.approx(np.full(9, 10.0))


def test_what_is_set_alone_makes_room_for_itself() -> None:
    many = PROBLEM.configured({"destinations": "9"}).instances(Tier.SMOKE, Split.SEARCH, seeds())
    assert {len(s.transfer.destinations) for s in many} == {9}
    few = PROBLEM.configured({"regions": "4"}).instances(Tier.SMOKE, Split.SEARCH, seeds())
    assert all(len(s.transfer.destinations) <= 3 for s in few)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"regions": "5", "destinations": "5"}, "destinations: expected at most 4 in a network of 5 regions, found 5"),
        ({"regions": "40"}, "regions: expected a value from 3 to 32, found 40"),
        ({"regions": "2"}, "regions: expected a value from 3 to 32, found 2"),
        ({"regions": "32", "destinations": "30"}, "has 30720 flows, expected at most 12000; lower either"),
        ({"destination": "3"}, "did you mean 'destinations'"),
        ({"partitions": "0"}, "partitions: expected a value from 1 to 64"),
        ({"volume_gb": "nan"}, "volume_gb: expected a number"),
        ({"time_usd_per_h": "-1"}, "time_usd_per_h: expected a value from 0"),
        ({"egress_gbps": "5"}, "egress_gbps: counts only with a grid"),
    ],
)
def test_settings_that_cannot_be_are_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured(told)


def test_a_network_without_a_choice_is_refused_with_a_remedy() -> None:
    problem = PROBLEM.configured({"regions": "3", "destinations": "1"})
    with pytest.raises(ContractError, match="no plan can save 10 % .* set more regions"):
        problem.instances(Tier.QUICK, Split.SEARCH, seeds())


@pytest.mark.parametrize("seed", range(8))
def test_a_wait_that_costs_nothing_is_played_at_the_edges_too(seed: int) -> None:
    problem = PROBLEM.configured({"time_usd_per_h": "0"})
    scenarios = problem.instances(Tier.SMOKE, Split.SEARCH, SeedSource(secret_from_seed(seed), Split.SEARCH))
    assert [scenario.play(InProcessCandidate(DIRECT), CLOCK).score for scenario in scenarios] == [0.0] * len(EDGES)


def test_feedback_and_pictures_are_aggregates() -> None:
    played = results(PROBLEM, DIRECT)
    text = PROBLEM.feedback(played)
    assert text.count("\n- ") == len(EDGES)
    assert "one_destination: score" in text
    failed = InstanceResult(name="many-9", regime="many", outcome=Outcome.INVALID, detail="partition 0: expected")
    assert "- many: invalid: partition 0: expected" in PROBLEM.feedback([failed])
    assert [len(picture.rows) for picture in PROBLEM.pictures(played)] == [5, 5]
    assert PROBLEM.pictures([failed])[0].rows == ()


def test_every_metric_is_declared_and_the_weak_baseline_scores_nothing() -> None:
    played = results(PROBLEM, DIRECT)
    assert {name for result in played for name in result.metrics} | {"score"} == {m.name for m in PROBLEM.task.metrics}
    assert [result.score for result in played] == [0.0] * len(EDGES)
