from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import FLOOR, Outcome
from evaluators.scheduling.table_reorder.cache import Cache
from evaluators.scheduling.table_reorder.task import TASK
from evaluators.scoring import within_bound
from tests.evaluators.scheduling.table_reorder.tables import (
    AS_IT_IS,
    CLOCK,
    SORTED,
    START,
    a_scenario,
    random_table,
    table_of,
)
from tests.in_process import InProcessCandidate


@pytest.mark.parametrize("in_flight", [1, 3])
def test_the_table_as_it_is_scores_zero(in_flight: int) -> None:
    scenario = a_scenario(cache=Cache(block=4, capacity=400, in_flight=in_flight))
    result = scenario.play(InProcessCandidate(AS_IT_IS), CLOCK)
    assert result.outcome is Outcome.SCORED
    assert result.score == 0.0
    assert result.metrics["orders"] == pytest.approx(100 / 12)


def test_the_score_runs_from_the_table_as_it_is_to_the_bound() -> None:
    scenario = a_scenario(table_of("ax", "by", "ax", "by", tokens=5), Cache(block=1, capacity=10, in_flight=1))
    result = scenario.play(InProcessCandidate(SORTED), CLOCK)
    assert (scenario.weak, scenario.bound, result.score) == (0, 20, 1.0)
    assert result.metrics["hit_rate"] == result.metrics["bound_rate"] == 50.0
    assert result.metrics["hit_over_bound"] == 1.0
    assert result.metrics["cold"] == 50.0
    assert scenario.score(10) == 0.5


def test_rows_are_served_in_their_order_and_columns_are_told_by_row_of_the_table() -> None:
    table = table_of("axp", "byp", "cxp")
    source = START + "    return {'rows': [2, 0, 1], 'columns': [[1, 2, 0], [2, 0, 1], [1, 0, 2]]}"
    metrics = a_scenario(table).play(InProcessCandidate(source), CLOCK).metrics
    assert metrics["hit_any"] == metrics["hit_previous"] == pytest.approx(100 / 9)  # x of row 0, after x of row 2


def test_same_program_same_result() -> None:
    results = [a_scenario().play(InProcessCandidate(SORTED), CLOCK) for _ in range(2)]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("np.zeros(rows), whole", "rows: expected every row once, found row 0 12 times, and row 1 never"),
        ("np.arange(rows) + 1, whole", "rows: expected numbers from 0 to 11, found 12"),
        ("-np.arange(rows), whole", "rows: expected numbers from 0 to 11, found -1"),
        ("np.arange(rows - 1), whole", "rows: expected shape"),  # rows left out
        ("np.arange(1), whole[:1, :1]", "rows: expected shape"),  # a table of one cell
        ("np.arange(rows), whole[:, :-1]", "columns: expected shape"),  # cells left out
        ("np.arange(rows), whole * 0", "columns of row 0: expected every column once, found column 0 4 times"),
        ("np.arange(rows), np.where(np.arange(rows)[:, None] == 5, 1, whole)", "columns of row 5: expected every"),
        ("np.arange(rows), whole + 1", "columns of row 0: expected numbers from 0 to 3, found 4"),
        ("np.arange(rows), whole - 1", "columns of row 0: expected numbers from 0 to 3, found -1"),
        ("np.arange(rows), np.arange(columns)", "columns: expected shape"),
    ],
)
def test_answers_that_leave_out_or_double_anything_are_invalid(answer: str, sentence: str) -> None:
    source = START + f"    answer = {answer}\n    return {{'rows': answer[0], 'columns': answer[1]}}"
    with pytest.raises(CandidateFailure, match=sentence):
        a_scenario().play(InProcessCandidate(source), CLOCK)


def test_a_plan_in_one_array_is_no_plan() -> None:
    with pytest.raises(CandidateFailure, match="the reply lacks columns"):
        a_scenario().play(InProcessCandidate(START + "    return np.arange(rows)"), CLOCK)


def test_claims_and_cells_of_its_own_count_for_nothing() -> None:
    source = AS_IT_IS.replace(
        "'columns': whole", "'columns': whole, 'values': values * 0, 'score': 1.0, 'hit_rate': 100"
    )
    assert a_scenario().play(InProcessCandidate(source), CLOCK).score == 0.0


def test_changing_what_is_shown_changes_nothing() -> None:
    vandal = START + "    table['values'] = values * 0; table['lengths'] = values * 0; table['capacity'] = 1\n"
    scenario = a_scenario()
    before = scenario.table.values_NC.copy()
    result = scenario.play(InProcessCandidate(vandal + AS_IT_IS[len(START) :]), CLOCK)
    assert result.score == 0.0
    assert (scenario.table.values_NC == before).all()


def test_the_view_holds_numbers_and_the_cache_and_no_text() -> None:
    candidate = InProcessCandidate(SORTED)
    a_scenario().play(candidate, CLOCK)
    ((name, (view,)),) = candidate.calls
    assert name == "reorder"
    assert isinstance(view, dict)
    assert view.keys() == {"values", "lengths", "block", "capacity", "in_flight", "seed"}
    assert view["values"].dtype == view["lengths"].dtype == np.int64


def test_one_row_is_a_table() -> None:
    assert a_scenario(table_of("abc")).play(InProcessCandidate(AS_IT_IS), CLOCK).score == 0.0


def test_a_bad_plan_stops_at_the_floor() -> None:
    assert replace(a_scenario(random_table(1, 30, 3)), weak=90, bound=91).score(0) == FLOOR


def test_a_plan_above_the_bound_is_our_fault() -> None:
    scenario = replace(a_scenario(table_of("ax", "by", "ax", tokens=5)), weak=0, bound=1)
    result = within_bound(scenario.play(InProcessCandidate(SORTED), CLOCK), TASK.bound)
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "evaluator bug" in result.detail
