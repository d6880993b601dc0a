from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.candidate import CandidateFailure
from evaluators.contract import FLOOR, Outcome
from evaluators.scheduling.transaction_order.admission import makespan
from evaluators.scheduling.transaction_order.scenario import Scenario
from evaluators.scheduling.transaction_order.task import TASK
from evaluators.scoring import within_bound
from tests.evaluators.scheduling.transaction_order.batches import (
    ARRIVAL,
    CLOCK,
    REVERSED,
    SHORTEST,
    START,
    a_scenario,
    batch_of,
    random_batch,
)
from tests.in_process import InProcessCandidate


def order_of(scenario: Scenario, source: str) -> list[int]:
    return scenario.run(InProcessCandidate(source))


@pytest.mark.parametrize("waiting", [0, 5])
def test_the_order_of_arrival_scores_zero(waiting: int) -> None:
    scenario = a_scenario(waiting=waiting, admit=2 if waiting else 0)
    result = scenario.play(InProcessCandidate(ARRIVAL), CLOCK)
    assert result.outcome is Outcome.SCORED
    assert result.score == 0.0
    assert result.metrics["moved"] == 0.0
    assert result.metrics["makespan_over_arrival"] == 1.0


def test_the_makespan_is_that_of_the_order_and_the_score_runs_from_arrival_to_the_bound() -> None:
    scenario = a_scenario()
    result = scenario.play(InProcessCandidate(REVERSED), CLOCK)
    assert result.metrics["makespan"] == makespan(scenario.batch, range(11, -1, -1))
    assert scenario.score(scenario.weak) == 0.0
    assert scenario.score(scenario.bound) == 1.0


def test_same_program_same_result() -> None:
    results = [a_scenario(waiting=4, admit=1).play(InProcessCandidate(SHORTEST), CLOCK) for _ in range(2)]
    assert results[0] == results[1]


@given(seed=st.integers(0, 10**6), size=st.integers(1, 14), waiting=st.integers(2, 9), admit=st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_a_stream_admits_every_transaction_once_out_of_those_that_wait(
    seed: int, size: int, waiting: int, admit: int
) -> None:
    scenario = a_scenario(random_batch(seed, size), waiting, min(admit, waiting))
    candidate = InProcessCandidate(REVERSED)
    order = scenario.run(candidate)
    assert sorted(order) == list(range(size))
    for place, transaction in enumerate(order):
        assert transaction < place + waiting  # it had arrived
    for _, (view,) in candidate.calls:
        assert len(view["lengths"]) <= waiting  # type: ignore[call-overload, index, arg-type]


def test_a_stream_shows_the_oldest_first_and_how_far_it_is() -> None:
    batch = batch_of("wa", "wa rb", "wa", "rc", "wd")
    candidate = InProcessCandidate(REVERSED)
    assert a_scenario(batch, waiting=3, admit=1).run(candidate) == [2, 3, 4, 1, 0]
    views = [view for _, (view,) in candidate.calls]
    assert [view["lengths"].tolist() for view in views] == [[1, 2, 1], [1, 2, 1], [1, 2, 1], [1, 2]]  # type: ignore[call-overload, index, union-attr]
    assert [view["later"] for view in views] == [2, 1, 0, 0]  # type: ignore[call-overload, index]
    assert [view["ready"].tolist() for view in views] == [[0, 0, 0], [1, 1, 0], [1, 1, 0], [1, 1]]  # type: ignore[call-overload, index, union-attr]
    assert [view["makespan"] for view in views] == [0, 1, 1, 1]  # type: ignore[call-overload, index]


def test_what_has_not_arrived_is_invisible() -> None:
    batch, other = random_batch(1, 12), random_batch(1, 12)
    other.keys_NM[8:] = (other.keys_NM[8:] + 1) % 4 * (other.keys_NM[8:] >= 0) - (other.keys_NM[8:] < 0)
    seen = []
    for world in (batch, other):
        candidate = InProcessCandidate(SHORTEST)
        a_scenario(world, waiting=4, admit=2).run(candidate)
        seen.append([str(arguments) for _, arguments in candidate.calls])
    assert seen[0][:3] == seen[1][:3]  # up to the call in which the ninth arrives
    assert seen[0] != seen[1]


def test_how_long_later_transactions_are_is_invisible_too() -> None:
    seen = []
    for last in ("wd", "rd re rf wd wd"):
        candidate = InProcessCandidate(REVERSED)
        a_scenario(batch_of("wa", "wa rb", "wc", "rc", last), waiting=3, admit=1).run(candidate)
        seen.append([str(arguments) for _, arguments in candidate.calls])
    assert seen[0][:2] == seen[1][:2]  # the last arrives with the third call
    assert seen[0][2] != seen[1][2]


def test_a_batch_is_asked_for_once() -> None:
    candidate = InProcessCandidate(REVERSED)
    assert a_scenario().run(candidate) == list(range(11, -1, -1))
    assert len(candidate.calls) == 1


def test_one_transaction_needs_no_answer() -> None:
    candidate = InProcessCandidate(START + "        raise ValueError")
    assert a_scenario(batch_of("wa")).play(candidate, CLOCK).score == 0.0


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("np.zeros(rows, dtype=int)", "order: expected every row once, found row 0 12 times, and row 1 never"),
        ("np.arange(rows) + 1", "order: expected rows from 0 to 11, found 12"),
        ("np.arange(rows) - 1", "order: expected rows from 0 to 11, found -1"),
        ("np.arange(rows - 1)", "expected shape"),  # schedules that leave work out
        ("np.arange(1)", "expected shape"),
        ("[[0]]", "expected shape"),
        ("0, np.arange(rows)", "inhomogeneous|expected shape|sequence"),  # a makespan that it claims
    ],
)
def test_answers_that_are_no_permutation_are_invalid(answer: str, sentence: str) -> None:
    with pytest.raises((CandidateFailure, ValueError), match=sentence):
        order_of(a_scenario(), START + f"        return {answer}")


def test_a_claimed_makespan_counts_for_nothing() -> None:
    claims = START + "        return {'order': np.arange(rows), 'makespan': 0, 'score': 1.0}"
    assert a_scenario().play(InProcessCandidate(claims), CLOCK).score == 0.0


def test_changing_what_is_shown_changes_nothing() -> None:
    vandal = START + "        batch['delays'] = batch['delays'] * 0; batch.clear(); return np.arange(rows)"
    scenario = a_scenario(waiting=6, admit=3)
    before = scenario.batch.delays_NN.copy()
    assert scenario.play(InProcessCandidate(vandal), CLOCK).score == 0.0
    assert (scenario.batch.delays_NN == before).all()


def test_the_config_tells_nothing_of_the_work() -> None:
    one, other = (a_scenario(random_batch(seed, 12), waiting=4, admit=1) for seed in (1, 2))
    assert one.config() == other.config()
    assert one.config().keys() == {"kind", "transactions", "waiting", "admit", "seed"}


def test_a_bad_order_stops_at_the_floor() -> None:
    scenario = replace(a_scenario(), weak=10, bound=9)
    assert scenario.score(40) == FLOOR


def test_a_makespan_below_the_bound_is_our_fault() -> None:
    scenario = replace(a_scenario(), bound=1000, weak=2000)
    result = within_bound(scenario.play(InProcessCandidate(REVERSED), CLOCK), TASK.bound)
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "evaluator bug" in result.detail


def test_a_known_makespan_is_reported_beside_the_score() -> None:
    scenario = replace(a_scenario(), best_known=10)
    metrics = scenario.play(InProcessCandidate(ARRIVAL), CLOCK).metrics
    assert metrics["makespan_over_known"] == pytest.approx(metrics["makespan"] / 10)
    assert metrics["known_score"] == scenario.score(10)


def test_overtaking_counts_those_that_start_before_one_admitted_earlier() -> None:
    batch = batch_of("wa", "wa rb", "rb rb wa", "rc")
    result = a_scenario(batch).play(InProcessCandidate(ARRIVAL), CLOCK)
    assert result.metrics["overtaking"] == 50.0
    assert result.metrics["in_flight"] == pytest.approx(np.sum([1, 2, 3, 1]) / 3)
