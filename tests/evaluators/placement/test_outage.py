from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.candidate import Argument
from evaluators.contract import Outcome, ParameterValue, Split, Tier
from evaluators.placement.cost import presence
from evaluators.placement.expert_replication.dispatch import Dispatch, even_plan
from evaluators.placement.expert_replication.outage import HOST_BYTES_PER_S, Outage, carried_over
from evaluators.placement.expert_replication.parameters import Shape
from evaluators.placement.expert_replication.scenario import Scenario, build_scenario
from evaluators.placement.expert_replication.shapes import fit_for_an_outage, without_a_node
from evaluators.placement.expert_replication.suite import recipes
from evaluators.placement.expert_replication.system import System
from evaluators.placement.layout import static_placement
from tests.evaluators.placement.scenes import (
    MEASURED,
    MODELLED,
    SHIFTING,
    STATIC,
    a_network,
    a_system,
    a_workload,
    draw_plan,
    played,
)
from tests.in_process import InProcessCandidate

WHOLE = a_system(a_network(nodes=4))  # 8 GPUs with 3 slots each for 16 experts
REST = replace(WHOLE, slots=18, network=replace(WHOLE.network, gpus=6, nodes=3))
KEEPING = """
class Policy:
    def __init__(self, config):
        self.told = [config["gpus"], config["nodes"], config["slots"], config["windows"]]
    def plan(self, loads, samples, placement, window):
        assert placement.shape == (3, self.told[2]), placement.shape
        assert self.told == {expected}[window], (window, self.told)
        return {{"placement": placement}}
"""


def a_scenario(system: System = WHOLE, rest: System = REST) -> Scenario:
    """Windows 3 to 8 are scored; in 5 and 6 the last node is away."""
    outage = Outage(first=5, back=7, system=rest)
    return build_scenario("scene", "outage", system, a_workload(system), candidate_seed=1, outage=outage, oracle=True)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_survivors_keep_what_they_hold_and_every_expert_stays_in_reach(seed: int) -> None:
    plan = draw_plan(WHOLE, Dispatch.EVEN, np.random.default_rng(seed))
    carried, seconds = carried_over(plan, REST)
    held = presence(carried.placement_LP, 16, 6)
    assert held.any(axis=1).all()
    assert (held.sum(axis=(1, 2)) == REST.slots).all()  # none twice on a GPU
    before = plan.placement_LP[:, : REST.slots]
    missing = sum(16 - np.unique(row).size for row in before)
    assert (carried.placement_LP != before).sum() == missing
    assert (seconds > 0) == (missing > 0)
    assert seconds <= missing * WHOLE.expert_bytes / HOST_BYTES_PER_S * (1 + 1e-9)


def test_the_gpu_that_reads_most_experts_decides_how_long_serving_waits() -> None:
    plan = even_plan(static_placement(3, 16, 24), 16)  # experts 2 to 7 a second time on GPUs 6 and 7
    assert carried_over(plan, REST)[1] == 0.0
    turned = even_plan(np.roll(plan.placement_LP, 6, axis=1), 16)  # now experts 10 to 15 are on the last node alone
    carried, seconds = carried_over(turned, REST)
    displaced = np.flatnonzero(carried.placement_LP[0] != turned.placement_LP[0, :18])
    most = np.bincount(displaced // 3).max()
    assert displaced.size == 4
    assert seconds == pytest.approx(3 * most * WHOLE.expert_bytes / HOST_BYTES_PER_S)


def test_gpus_that_come_are_filled_for_nothing_and_leave_the_others_alone() -> None:
    plan = draw_plan(REST, Dispatch.EVEN, np.random.default_rng(0))
    carried, seconds = carried_over(plan, WHOLE)
    assert seconds == 0.0
    assert (carried.placement_LP[:, :18] == plan.placement_LP).all()
    assert (presence(carried.placement_LP, 16, 8).sum(axis=(1, 2)) == 24).all()


def test_cut_layers_are_read_anew_and_fresh_slots_filled() -> None:
    plan = draw_plan(WHOLE, Dispatch.EVEN, np.random.default_rng(0))
    cut, seconds = carried_over(replace(plan, sharded_L=np.array([True, False, False])), REST)
    assert cut.sharded_L is None
    assert seconds >= 16 / 6 * WHOLE.expert_bytes / HOST_BYTES_PER_S
    fresh = np.zeros(plan.placement_LP.shape, bool)
    fresh[:, 2] = True
    carried, _ = carried_over(replace(plan, fresh_LP=fresh), REST)
    assert carried.fresh_LP is None
    assert (presence(carried.placement_LP, 16, 6).sum(axis=(1, 2)) == REST.slots).all()


def test_a_program_is_made_anew_for_the_machine_that_is_there() -> None:
    told = {2: [8, 4, 24, 6], 3: [8, 4, 24, 6], 4: [6, 3, 18, 4], 5: [6, 3, 18, 4], 6: [8, 4, 24, 2], 7: [8, 4, 24, 2]}
    result = played(a_scenario(), KEEPING.format(expected=told))
    assert (result.outcome, result.detail) == (Outcome.SCORED, "")


def test_static_scores_zero_through_an_outage_and_the_bound_holds() -> None:
    scenario = a_scenario()
    static = scenario.play(InProcessCandidate(STATIC, cpu_s=0.0), MEASURED)
    assert static.score == pytest.approx(0.0, abs=1e-12)
    assert static.metrics["migration_us"] > 0.0
    keeping = KEEPING.replace("assert self.told", "#").format(expected={})
    for source in (keeping, SHIFTING):
        result = scenario.play(InProcessCandidate(source, cpu_s=0.0), MEASURED)
        assert result.outcome is Outcome.SCORED
        assert min(result.curves["time_over_bound"]) >= 1.0
    assert static.metrics["oracle_score"] <= 1.0


class SlowToStart(InProcessCandidate):
    def construct(self, entry_point: str, *arguments: Argument) -> float:
        super().construct(entry_point, *arguments)
        return 0.02


def test_a_restart_is_planning_time_and_the_first_start_is_not() -> None:
    result = a_scenario().play(SlowToStart(STATIC, cpu_s=0.01), MEASURED)
    assert result.delays_s == (0.0, 0.0, 0.032, 0.0, 0.032, 0.0)


def test_fewer_gpus_are_slower() -> None:
    result = played(a_scenario(), STATIC, MODELLED)
    times = np.array(result.curves["time_over_bound"]) * a_scenario().window_bounds_us
    healthy = build_scenario("scene", "outage", WHOLE, a_workload(WHOLE), candidate_seed=1)
    without = np.array(played(healthy, STATIC).curves["time_over_bound"]) * healthy.window_bounds_us
    assert (times[2:4] > without[2:4]).all()
    assert times[[0, 1, 5]] == pytest.approx(without[[0, 1, 5]])


def _lost(settings: dict[str, ParameterValue], split: Split = Split.SEARCH, tier: Tier = Tier.FULL) -> list[Outage]:
    return [recipe.outage for recipe in recipes(tier, split, settings) if recipe.outage is not None]


def test_the_longer_tiers_lose_a_node_for_a_third_of_the_windows() -> None:
    search = recipes(Tier.FULL, Split.SEARCH, {})
    assert [recipe.outage is None for recipe in search] == [True] * 42 + [False] * 4
    assert {recipe.regime.name for recipe in search[42:]} == {"outage"}
    assert len({recipe.name for recipe in search}) == 46
    for outage in _lost({}) + _lost({}, Split.HOLDOUT) + _lost({}, Split.HOLDOUT, Tier.REPORT):
        assert outage.system.slots >= outage.system.experts
        assert outage.back - outage.first in (4, 8)
    assert {outage.system.network.gpus for outage in _lost({}, Split.HOLDOUT)} == {24, 32, 56, 136}
    assert _lost({}, Split.SEARCH, Tier.QUICK) == []


def test_a_machine_that_the_user_fixed_loses_a_node_only_if_the_rest_can_hold_the_model() -> None:
    assert _lost({"nodes": 1}) == []
    assert _lost({"redundant": 32}) == []
    assert len(_lost({"redundant": 96})) == 4
    shape = fit_for_an_outage(Shape(), refit=True)
    assert shape is not None
    assert (shape.redundant, without_a_node(shape).gpus, without_a_node(shape).slots) == (96, 24, 264)
    assert fit_for_an_outage(Shape(), refit=False) is None
    assert _lost({"gpus": 2, "nodes": 2}) == []  # a single GPU leaves nothing to plan
