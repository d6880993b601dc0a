from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import FLOOR, Outcome
from evaluators.scheduling.task_graph.scenario import Scenario
from evaluators.scheduling.task_graph.task import TASK
from evaluators.scoring import within_bound
from tests.evaluators.scheduling.task_graph.graphs import CLOCK, DIAMOND, INF, START, a_scenario, graph_of
from tests.in_process import InProcessCandidate

GOOD = START + "    return {'processor': np.zeros(tasks, int), 'order': np.arange(tasks)}"
PARTLY = graph_of([[2, 4], [INF, 6], [6, 3], [2, 2]], [(0, 1, 1), (0, 2, 1), (1, 3, 2), (2, 3, 2)], latency=1.0)


def answering(processor: str, order: str) -> Scenario:
    scenario = a_scenario(PARTLY)
    source = START + f"    return {{'processor': {processor}, 'order': {order}}}"
    scenario.play(InProcessCandidate(source), CLOCK)
    return scenario


def test_a_plan_is_played_and_scored_between_the_weak_baseline_and_the_bound() -> None:
    scenario = a_scenario(DIAMOND)
    result = scenario.play(InProcessCandidate(GOOD), CLOCK)
    assert result.outcome is Outcome.SCORED
    assert result.metrics["makespan_ms"] == pytest.approx(0.013)
    assert result.metrics["makespan_over_bound"] == pytest.approx(13 / scenario.bound_us)
    wide = a_scenario()
    assert wide.score(wide.weak_us) == 0.0
    assert wide.score(wide.bound_us) == 1.0


def test_metrics_tell_what_the_plan_does() -> None:
    source = START + "    return {'processor': np.array([0, 0, 1, 0]), 'order': np.arange(tasks)}"
    metrics = a_scenario(DIAMOND).play(InProcessCandidate(source), CLOCK).metrics
    assert metrics["makespan_ms"] == pytest.approx(0.012)
    assert metrics["crossing"] == 50.0
    assert metrics["used"] == 100.0
    assert metrics["busy"] == pytest.approx(100 * (2 + 3 + 3 + 2) / 24)
    assert metrics["extra"] == 0.0
    assert metrics["speedup"] == pytest.approx(13 / 12)


def test_same_program_same_result() -> None:
    results = [a_scenario().play(InProcessCandidate(GOOD), CLOCK) for _ in range(2)]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("processor", "order", "sentence"),
    [
        ("np.array([0, 2, 0, 0])", "np.arange(tasks)", "processor: expected 0 to 1, found 2 for task 1"),
        ("np.array([0, 1, 0, -1])", "np.arange(tasks)", "processor: expected 0 to 1, found -1 for task 3"),
        (
            "np.zeros(tasks, int)",
            "np.arange(tasks)",
            "processor: expected one on which task 1 takes a finite time, found 0",
        ),
        (
            "np.ones(tasks, int)",
            "np.array([0, 1, 1, 3])",
            "order: expected every task from 0 to 3 once, found none of task 2",
        ),
        ("np.ones(tasks, int)", "np.array([0, 1, 4, 3])", "found none of task 2"),
        ("np.ones(tasks, int)", "np.array([0, 1, -2, 3])", "found none of task 2"),
        (
            "np.ones(tasks, int)",
            "np.array([1, 0, 2, 3])",
            "order: expected task 0 before task 1, which needs its data, found it behind",
        ),
        ("np.ones(tasks, int)", "np.arange(tasks)[::-1]", "order: expected task 0 before task 1"),
        ("np.ones(tasks - 1, int)", "np.arange(tasks)", "expected shape"),  # tasks left out
        ("np.ones(tasks, int)", "np.arange(tasks + 1)", "expected shape"),
    ],
)
def test_answers_that_break_a_rule_are_invalid(processor: str, order: str, sentence: str) -> None:
    with pytest.raises(CandidateFailure, match=sentence) as failure:
        answering(processor, order)
    assert failure.value.outcome is Outcome.INVALID


def test_a_claimed_makespan_counts_for_nothing() -> None:
    claims = GOOD.replace("return {", "return {'makespan': 0.0, 'start': np.zeros(tasks), 'score': 1.0, ")
    scenario = a_scenario(DIAMOND)
    assert scenario.play(InProcessCandidate(claims), CLOCK) == scenario.play(InProcessCandidate(GOOD), CLOCK)


def test_changing_what_is_shown_changes_nothing() -> None:
    vandal = GOOD.replace(
        "    return", "    graph['times'] = graph['times'] * 0; graph.clear(); config.clear()\n    return"
    )
    scenario = a_scenario(DIAMOND)
    plain = scenario.play(InProcessCandidate(GOOD), CLOCK)
    assert scenario.play(InProcessCandidate(vandal), CLOCK) == plain
    assert scenario.graph.times_NP.tolist() == [[2, 4], [3, 6], [6, 3], [2, 2]]


def test_arrays_cannot_be_written_to_the_engine() -> None:
    scenario = a_scenario(DIAMOND)
    shown = scenario.shown()
    for name in ("times", "data", "gap", "latency"):
        array = shown[name]
        assert isinstance(array, np.ndarray)
        array[:] = 0
    assert scenario.play(InProcessCandidate(GOOD), CLOCK).metrics["makespan_ms"] == pytest.approx(0.013)


def test_what_is_shown_is_the_graph_and_nothing_of_the_answer() -> None:
    scenario = a_scenario(DIAMOND)
    assert set(scenario.shown()) == {"times", "sources", "targets", "data", "latency", "gap"}
    assert scenario.config() == {"tasks": 4, "edges": 4, "processors": 2, "seed": 7}


def test_a_bad_plan_stops_at_the_floor() -> None:
    scenario = replace(a_scenario(), weak_us=10.0, bound_us=9.0)
    assert scenario.score(40.0) == FLOOR


def test_a_graph_on_which_the_weak_baseline_is_nearly_optimal_is_not_blown_up() -> None:
    scenario = replace(a_scenario(), weak_us=101.0, bound_us=100.0)
    assert scenario.score(100.0) == pytest.approx(0.2)


def test_a_makespan_below_the_bound_is_our_fault() -> None:
    scenario = replace(a_scenario(DIAMOND), bound_us=1e4, weak_us=2e4)
    result = within_bound(scenario.play(InProcessCandidate(GOOD), CLOCK), TASK.bound)
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "evaluator bug" in result.detail
