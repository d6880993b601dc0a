from __future__ import annotations

from dataclasses import replace

import pytest

from evolve.run.budget import MOST_BARREN, Budget, Spent, reason_to_stop

NOTHING = Spent(asked=0, outstanding=0, evaluations=0, seconds=0, tells_since_improvement=0, best_score=0.0)


def test_no_budget_never_stops() -> None:
    assert reason_to_stop(Budget(), replace(NOTHING, asked=10**6, seconds=1e9)) is None


@pytest.mark.parametrize(
    ("budget", "spent", "reason"),
    [
        (Budget(attempts=3), replace(NOTHING, asked=3), "all 3 attempts were made"),
        (Budget(attempts=1), replace(NOTHING, asked=1), "the only attempt was made"),
        (Budget(evaluations=5), replace(NOTHING, evaluations=3, outstanding=2), "all 5 evaluations"),
        (Budget(seconds=2), replace(NOTHING, seconds=2.0), "time of 2 s"),
        (Budget(patience=4), replace(NOTHING, tells_since_improvement=4), "4 attempts brought nothing"),
        (Budget(target=0.5), replace(NOTHING, best_score=0.5), "target score 0.5"),
        (Budget(), replace(NOTHING, barren=MOST_BARREN), "nothing that was not known"),
    ],
)
def test_each_budget_says_why_it_ends(budget: Budget, spent: Spent, reason: str) -> None:
    assert reason in (reason_to_stop(budget, spent) or "")
    assert reason_to_stop(budget, NOTHING) is None


def test_an_outstanding_attempt_may_still_free_its_evaluation() -> None:
    assert reason_to_stop(Budget(evaluations=5), replace(NOTHING, evaluations=3, outstanding=1)) is None
