from __future__ import annotations

from evaluators.contract import InstanceResult, Outcome
from evaluators.reporting import failure_lines, metric_rows, scored_by_regime


def a_result(name: str, outcome: Outcome, detail: str = "") -> InstanceResult:
    score = 0.5 if outcome is Outcome.SCORED else None
    metrics = {"moves": float(name)} if score is not None else {}
    return InstanceResult(
        name=name, regime=f"r{int(name) % 2}", outcome=outcome, score=score, metrics=metrics, detail=detail
    )


def test_failures_that_say_why_come_first_and_those_not_played_are_counted() -> None:
    unplayed = [a_result(str(number), Outcome.INVALID) for number in range(4)]
    told = a_result("5", Outcome.INVALID, "slot 3 is empty")
    assert failure_lines([*unplayed, told]) == ["- r1: invalid: slot 3 is empty", "- and 4 more failures"]
    assert failure_lines([a_result("0", Outcome.SCORED)]) == []


def test_equal_reasons_are_one_line_that_counts_them() -> None:
    alike = [a_result(str(number), Outcome.CRASHED, "NameError") for number in range(48)]
    assert failure_lines(alike) == ["- 48 instances: crashed: NameError"]
    assert failure_lines(alike[::2]) == ["- r0, 24 instances: crashed: NameError"]
    seven = [a_result("1", Outcome.INVALID, f"slot {number} is empty") for number in range(7)]
    assert failure_lines([*seven, *alike])[4:] == ["- r1: invalid: slot 4 is empty", "- and 50 more failures"]


def test_rows_are_means_over_the_scored_results_of_a_regime() -> None:
    results = [a_result("1", Outcome.SCORED), a_result("3", Outcome.SCORED), a_result("2", Outcome.CRASHED, "x")]
    regimes = scored_by_regime(results)
    assert list(regimes) == ["r1"]
    assert metric_rows(regimes, ("moves",)) == ((0.0, 2.0),)
