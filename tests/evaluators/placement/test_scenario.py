from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import FLOOR, ContractError, InstanceResult, Outcome
from evaluators.placement.expert_replication.dispatch import even_plan
from evaluators.placement.expert_replication.scenario import FREE_PLANNER_S, Scenario, build_scenario, charged_delay_s
from evaluators.placement.expert_replication.serving import layer_times, serve_window
from evaluators.placement.expert_replication.task import TASK
from evaluators.placement.expert_replication.workload import Workload
from evaluators.placement.layout import static_placement
from evaluators.problem import ClockPolicy, PlannerClock
from evaluators.scoring import within_bound
from tests.evaluators.placement.scenes import (
    MEASURED,
    SHIFTING,
    STATIC,
    a_scenario,
    a_system,
    a_workload,
    draw_loads,
    draw_placement,
    played,
)
from tests.in_process import InProcessCandidate

BROKEN = """
import numpy as np
class Policy:
    def __init__(self, config):
        self.config = config
    def plan(self, loads, samples, placement, window):
        placement, split, fresh = placement.copy(), None, np.zeros(placement.shape, bool)
        {edit}
        return {{"placement": placement, "dispatch": dispatch, "split": split, "fresh": fresh}}
"""


def test_static_scores_zero_and_moves_nothing() -> None:
    result = played(a_scenario(), STATIC)
    assert result.outcome is Outcome.SCORED
    assert result.score == pytest.approx(0.0, abs=1e-12)
    assert result.metrics["migration_gb"] == result.metrics["moved_fraction"] == result.metrics["migration_us"] == 0.0


def test_same_plan_same_score() -> None:
    assert played(a_scenario(), SHIFTING) == played(a_scenario(), SHIFTING)


def test_parts_add_up_to_the_time() -> None:
    for overlapped in (False, True):
        metrics = played(a_scenario(a_system(overlapped=overlapped)), SHIFTING).metrics
        parts = ("balanced_us", "imbalance_us", "exchange_us", "gathering_us", "waiting_us", "migration_us")
        assert metrics["time_us"] == pytest.approx(sum(metrics[part] for part in parts))
        assert metrics["migration_gb"] > 0


def test_play_leaves_the_scenario_alone() -> None:
    scenario = a_scenario()
    before = scenario.workload.totals_WLE.copy(), scenario.workload.iterations_WILE.copy()
    played(scenario, SHIFTING)
    assert (scenario.workload.totals_WLE == before[0]).all()
    assert (scenario.workload.iterations_WILE == before[1]).all()


def _with_other_future(scenario: Scenario, first: int) -> Scenario:
    totals, iterations = scenario.workload.totals_WLE.copy(), scenario.workload.iterations_WILE.copy()
    totals[first:], iterations[first:] = totals[first:, :, ::-1], iterations[first:, :, :, ::-1]
    recent = scenario.workload.recent_WILE
    return replace(scenario, workload=Workload(totals, iterations, scenario.workload.warmup, recent))


def test_the_future_is_invisible() -> None:
    scenario = a_scenario()
    same_until = 6
    seen = []
    for world in (scenario, _with_other_future(scenario, same_until)):
        candidate = InProcessCandidate(SHIFTING)
        world.play(candidate, ClockPolicy(clock=PlannerClock.MODELLED))
        seen.append([arguments for _, arguments in candidate.calls])
    for first, second in zip(*seen, strict=True):
        newest = first[3]
        assert isinstance(newest, int)
        alike = all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(first, second, strict=True))
        assert alike == (newest < same_until)


def test_a_plan_is_asked_for_once_per_window_with_all_of_the_past() -> None:
    scenario = a_scenario()
    candidate = InProcessCandidate(STATIC)
    scenario.play(candidate, MEASURED)
    windows = [arguments[3] for _, arguments in candidate.calls]
    assert windows == list(range(2, 8))
    assert [len(np.asarray(arguments[0])) for _, arguments in candidate.calls] == [3, 4, 5, 6, 7, 8]


def test_charged_delays_are_on_the_grid() -> None:
    free = FREE_PLANNER_S
    spent = [0.0, free, free * 1.001, free * 2, free * 2.5, free * 64.5]
    assert [charged_delay_s(cpu_s) / free for cpu_s in spent] == [0, 0, 2, 2, 4, 128]


@pytest.mark.parametrize(("cpu_s", "delay_s"), [(0.001, 0.0), (0.03, 0.032), (0.1, 0.128)])
def test_measured_clock_charges_the_program(cpu_s: float, delay_s: float) -> None:
    result = a_scenario().play(InProcessCandidate(SHIFTING, cpu_s=cpu_s), MEASURED)
    assert result.delays_s == (delay_s,) * 6
    assert result.metrics["planner_s"] == pytest.approx(delay_s)
    assert (result.metrics["waiting_us"] != 0.0) == (delay_s > 0)


def test_replay_gives_the_stored_score() -> None:
    scenario = a_scenario()
    measured = scenario.play(InProcessCandidate(SHIFTING, cpu_s=0.1), MEASURED)
    stored = ClockPolicy(clock=PlannerClock.REPLAYED, stored_delays_s={scenario.name: measured.delays_s})
    assert scenario.play(InProcessCandidate(SHIFTING, cpu_s=0.0), stored) == measured
    with pytest.raises(ContractError, match="expected 6 stored delays, found 0"):
        scenario.play(InProcessCandidate(STATIC), ClockPolicy(clock=PlannerClock.REPLAYED))


def test_a_plan_later_than_its_window_is_dropped() -> None:
    result = a_scenario().play(InProcessCandidate(SHIFTING, cpu_s=0.4), MEASURED)
    assert result.delays_s[0] > 0.5
    assert result.score == pytest.approx(0.0, abs=1e-12)
    assert result.metrics["moved_fraction"] == 0.0


def test_a_late_plan_serves_the_rest_of_the_window() -> None:
    system = a_system()
    rng = np.random.default_rng(0)
    loads = draw_loads(system, rng, num_iterations=4)
    old = even_plan(static_placement(system.layers, system.experts, system.slots), system.experts)
    new = even_plan(draw_placement(system, rng), system.experts)
    served = serve_window(old, new, 0.375 * system.seconds_per_window, loads, system)
    before, after = layer_times(old, loads, system).total_I, layer_times(new, loads, system).total_I
    expected = before[0] + 0.5 * before[1] + 0.5 * after[1] + after[2] + after[3]
    assert served.time_us - served.migration_us == pytest.approx(expected / 4)


def test_moving_beside_serving_costs_a_tenth_and_delays_the_plan() -> None:
    rng = np.random.default_rng(0)
    system = a_system(expert_bytes=45e7)
    loads = draw_loads(system, rng, num_iterations=4)
    old = even_plan(static_placement(system.layers, system.experts, system.slots), system.experts)
    new = even_plan(draw_placement(system, rng), system.experts)
    waits = serve_window(old, new, 0.0, loads, system)
    beside = serve_window(old, new, 0.0, loads, replace(system, asynchronous=True))
    assert beside.migration_us == pytest.approx(0.1 * waits.migration_us)
    assert waits.waiting_us == 0.0 != beside.waiting_us
    assert beside.moved_bytes == waits.moved_bytes > 0


@pytest.mark.parametrize(
    ("edit", "detail"),
    [
        ("placement[1, 5] = 16; dispatch = 0", "layer 1, slot 5: expected an expert from 0 to 15, found 16"),
        ("placement[1, 5] = -1; dispatch = 0", "layer 1, slot 5: expected an expert from 0 to 15, found -1"),
        ("placement[2, 8] = 0; dispatch = 0", "layer 2: expert 8 is in no slot"),
        ("placement[0, 1] = 0; placement[0, 18] = 1; dispatch = 0", "layer 0: expert 0 is twice on GPU 0"),
        ("dispatch = 4", "dispatch: expected one of 0 .even., .*found 4"),
        ("dispatch = 1", "the reply has no 'split' array"),
        ("split = np.full(placement.shape, 0.4); dispatch = 1", "the shares of expert 0 must sum to 1, found 0.8"),
        ("split = np.full(placement.shape, 1.0); split[2, 3] = -1; dispatch = 1", "layer 2, slot 3: .* found -1"),
        ("dispatch, fresh[1, 15:18] = 0, True", "layer 1: all slots of GPU 5 are fresh"),
        ("dispatch, fresh[2, 8] = 0, True", "layer 2: expert 8 is in no slot"),
        (
            "dispatch, fresh[0, 1] = 1, True; split = np.ones(placement.shape)",
            "nobody knows what fresh slots will hold",
        ),
    ],
)
def test_broken_rules_are_named(edit: str, detail: str) -> None:
    with pytest.raises(CandidateFailure, match=detail) as failure:
        played(a_scenario(), BROKEN.format(edit=edit))
    assert failure.value.outcome is Outcome.INVALID


def test_kept_layers_stay_and_are_not_checked() -> None:
    source = """
import numpy as np
class Policy:
    def __init__(self, config):
        pass
    def plan(self, loads, samples, placement, window):
        return {"placement": np.full(placement.shape, -7), "keep": np.ones(len(placement), bool), "dispatch": 1,
                "split": np.full(placement.shape, np.float32(-3))}
"""
    assert played(a_scenario(), source).score == pytest.approx(0.0, abs=1e-12)


def test_a_beaten_bound_is_our_fault() -> None:
    scenario = a_scenario()
    broken = replace(scenario, bound_us=scenario.weak_us * 1.001, weak_us=scenario.weak_us * 1.1)
    result = within_bound(played(broken, STATIC), TASK.bound)
    assert _is_quarantined(result)


def _is_quarantined(result: InstanceResult) -> bool:
    return result.outcome is Outcome.INFRASTRUCTURE and result.score is None and "evaluator bug" in result.detail


def test_the_floor_holds() -> None:
    scenario = a_scenario(a_system(expert_bytes=1e12))
    assert played(scenario, SHIFTING).score == FLOOR


def test_nothing_to_balance_is_refused() -> None:
    with pytest.raises(ContractError, match="already takes the least time"):
        a_scenario(a_system(fixed_us=1e12))


def test_the_oracle_is_a_line_between_static_and_bound() -> None:
    system = a_system()
    scenario = build_scenario("scene", "fast", system, a_workload(system), candidate_seed=1, oracle=True)
    assert 0.0 < played(scenario, STATIC).metrics["oracle_score"] <= 1.0
    assert "oracle_score" not in played(a_scenario(), STATIC).metrics
