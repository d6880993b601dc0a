from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import FLOOR, Outcome
from evaluators.scheduling.sequence_split.machine import Sync
from evaluators.scheduling.sequence_split.scenario import Scenario
from evaluators.scheduling.sequence_split.task import TASK
from evaluators.scheduling.sequence_split.timing import time_plan
from evaluators.scoring import within_bound
from tests.evaluators.scheduling.sequence_split.batches import (
    CLOCK,
    EVERYWHERE,
    START,
    a_scenario,
    batch_of,
    machine,
    plan_of,
)
from tests.in_process import InProcessCandidate

FOUR = batch_of(100, 60, 40, 20, on=machine(4, 2, overhead_us=5.0), cap=100, micro_batches=2)
ONE_EACH = START + "    return {'micro_batch': np.zeros(rows, int), 'ranks': np.eye(ranks, dtype=bool)[:rows]}"


def answering(micro_batch: str = "np.zeros(rows, int)", ranks: str = "np.eye(4, dtype=bool)") -> Scenario:
    """The scenario of `FOUR`, played with a program that answers so; raises what playing it raises."""
    scenario = a_scenario(FOUR)
    source = START + f"    return {{'micro_batch': {micro_batch}, 'ranks': {ranks}}}"
    scenario.play(InProcessCandidate(source), CLOCK)
    return scenario


def test_a_plan_is_timed_and_scored_between_first_fit_and_the_bound() -> None:
    scenario = a_scenario(FOUR)
    result = scenario.play(InProcessCandidate(ONE_EACH), CLOCK)
    assert result.outcome is Outcome.SCORED
    assert result.metrics["step_ms"] == pytest.approx(0.205)
    assert result.metrics["step_over_first_fit"] == pytest.approx(205 / scenario.weak_us)
    assert scenario.score(scenario.weak_us) == 0.0
    assert scenario.score(scenario.bound_us) == 1.0


def test_metrics_tell_what_the_plan_does() -> None:
    plan = "np.array([[1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 0], [1, 0, 0, 0]], bool)"
    source = START + f"    return {{'micro_batch': np.array([0, 0, 1, 1]), 'ranks': {plan}}}"
    metrics = a_scenario(FOUR).play(InProcessCandidate(source), CLOCK).metrics
    assert (metrics["cut"], metrics["width"], metrics["crossing"]) == (75.0, 2.0, 25.0)
    assert (metrics["micro_batches"], metrics["fullest"]) == (2.0, 50.0)
    plan_by_hand = plan_of(4, (0, [0, 1]), (0, [2, 3]), (1, [1, 2]), (1, [0]))
    timing = time_plan(FOUR, plan_by_hand)
    assert metrics["busy"] == pytest.approx(100 * timing.busy_G.mean() / (timing.step_us - 10))
    assert metrics["added"] == pytest.approx(100 * (0.1 * 100 + 0.1 * 60 + 1.0 * 40) / (200 + 96 + 56 + 24))


def test_same_program_same_result() -> None:
    results = [a_scenario(FOUR).play(InProcessCandidate(EVERYWHERE), CLOCK) for _ in range(2)]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("micro_batch", "ranks", "sentence"),
    [
        ("np.full(rows, 2)", "np.eye(4, dtype=bool)", r"micro_batch: expected 0 to 1, found 2 \(sequence 0\)"),
        ("np.arange(rows) - 1", "np.eye(4, dtype=bool)", r"micro_batch: expected 0 to 1, found -1 \(sequence 0\)"),
        ("np.zeros(rows, int)", "np.zeros((4, 4), bool)", "ranks: expected one or more for every sequence, found none"),
        ("np.zeros(rows, int)", "np.diag([1, 1, 0, 1]) > 0", "found none for sequence 2"),
        (
            "np.zeros(rows, int)",
            "np.tile(np.arange(4) == 2, (4, 1))",
            "expected at most 100 tokens on a rank in a micro-batch, found 220 on rank 2 in micro-batch 0",
        ),
        ("np.zeros(rows, int)", "np.eye(3, dtype=bool)", "expected shape"),  # sequences left out
        ("np.zeros(rows - 1, int)", "np.eye(4, dtype=bool)", "expected shape"),
        ("np.zeros(rows, int)", "np.ones((rows, 5), bool)", "expected shape"),  # ranks that are not there
    ],
)
def test_plans_that_break_a_rule_are_invalid(micro_batch: str, ranks: str, sentence: str) -> None:
    with pytest.raises(CandidateFailure, match=sentence) as failure:
        answering(micro_batch, ranks)
    assert failure.value.outcome is Outcome.INVALID


def test_the_cap_counts_shards_rounded_up_to_whole_tokens() -> None:
    batch = batch_of(7, 7, 7, on=machine(2, 2), cap=11, micro_batches=3)
    source = START + "    return {'micro_batch': np.zeros(rows, int), 'ranks': np.ones((rows, 2), bool)}"
    with pytest.raises(CandidateFailure, match="at most 11 tokens .* found 12"):
        a_scenario(batch).play(InProcessCandidate(source), CLOCK)


def test_a_claimed_time_counts_for_nothing() -> None:
    claims = ONE_EACH.replace("return {", "return {'step_us': 0.0, 'score': 1.0, ")
    scenario = a_scenario(FOUR)
    assert scenario.play(InProcessCandidate(claims), CLOCK) == scenario.play(InProcessCandidate(ONE_EACH), CLOCK)


def test_changing_what_is_shown_changes_nothing() -> None:
    vandal = ONE_EACH.replace(
        "    return", "    lengths = lengths.copy() * 0; config['cap'] = 10**9; config['linear_us'] = 0\n    return"
    )
    scenario = a_scenario(FOUR)
    plain = scenario.play(InProcessCandidate(ONE_EACH), CLOCK)
    assert scenario.play(InProcessCandidate(vandal), CLOCK) == plain
    assert scenario.batch.lengths_N.tolist() == [100, 60, 40, 20]


def test_lengths_cannot_be_written_to() -> None:
    with pytest.raises(CandidateFailure, match="read-only"):
        a_scenario(FOUR).play(InProcessCandidate(START + "    lengths[:] = 1"), CLOCK)


def test_the_config_holds_the_machine_and_nothing_of_the_answer() -> None:
    scenario = a_scenario(FOUR)
    config = scenario.config()
    assert config == {
        "ranks": 4,
        "ranks_per_node": 2,
        "micro_batches": 2,
        "cap": 100,
        "linear_us": 1.0,
        "quadratic_us": pytest.approx(0.01),
        "intra_us": pytest.approx(0.1),
        "inter_us": pytest.approx(1.0),
        "hop_us": 0.0,
        "overhead_us": 5.0,
        "overlap": False,
        "sync_every_micro_batch": True,
        "seed": 7,
    }
    later = replace(FOUR, machine=replace(FOUR.machine, sync=Sync.GRADIENT))
    assert a_scenario(later).config()["sync_every_micro_batch"] is False


def test_a_bad_plan_stops_at_the_floor() -> None:
    scenario = replace(a_scenario(), weak_us=10.0, bound_us=9.0)
    assert scenario.score(40.0) == FLOOR


def test_a_batch_on_which_first_fit_is_nearly_optimal_is_not_blown_up() -> None:
    scenario = replace(a_scenario(), weak_us=101.0, bound_us=100.0)
    assert scenario.score(100.0) == pytest.approx(0.2)


def test_a_step_below_the_bound_is_our_fault() -> None:
    scenario = replace(a_scenario(FOUR), bound_us=1e4, weak_us=2e4)
    result = within_bound(scenario.play(InProcessCandidate(ONE_EACH), CLOCK), TASK.bound)
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "evaluator bug" in result.detail


def test_one_sequence_and_one_rank_are_a_batch_too() -> None:
    scenario = a_scenario(batch_of(50, on=machine(1, 1)))
    result = scenario.play(InProcessCandidate(EVERYWHERE), CLOCK)
    assert result.score == pytest.approx(0.0)
    assert np.isclose(scenario.weak_us, scenario.bound_us)
