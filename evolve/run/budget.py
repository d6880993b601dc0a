"""When a run has had enough. Pure: what was spent comes in as numbers."""

from __future__ import annotations

from dataclasses import dataclass

MOST_BARREN = 1000  # tells in a row without an evaluation: whoever proposes has nothing new to say


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a run may use; None means without limit."""

    attempts: int | None = None
    evaluations: int | None = None  # quick evaluations of new programs
    seconds: float | None = None
    patience: int | None = None  # tells without a better program
    target: float | None = None  # search score


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a run has used."""

    asked: int
    outstanding: int
    evaluations: int
    seconds: float
    tells_since_improvement: int
    best_score: float
    barren: int = 0  # tells since the last evaluation, in this session


def reason_to_stop(budget: Budget, spent: Spent) -> str | None:
    """Why nothing more should be asked, in words for the summary; None while there is budget left.

    An outstanding attempt may become an evaluation, so it counts as one until it has ended otherwise.
    """
    if budget.target is not None and spent.best_score >= budget.target:
        return f"the target score {budget.target:g} was reached"
    if budget.attempts is not None and spent.asked >= budget.attempts:
        return _all(budget.attempts, "attempt", "made")
    if budget.evaluations is not None and spent.evaluations + spent.outstanding >= budget.evaluations:
        return _all(budget.evaluations, "evaluation", "used")
    if budget.seconds is not None and spent.seconds >= budget.seconds:
        return f"the time of {budget.seconds:g} s was used"
    if budget.patience is not None and spent.tells_since_improvement >= budget.patience:
        return f"{budget.patience} attempts brought nothing better"
    if spent.barren >= MOST_BARREN:
        return f"{spent.barren} attempts in a row brought nothing that was not known"
    return None


def _all(number: int, noun: str, done: str) -> str:
    return f"the only {noun} was {done}" if number == 1 else f"all {number} {noun}s were {done}"
