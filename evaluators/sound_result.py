"""What a task's `play` gave, before anything is computed from it: a task of the user's may give anything.

The program is charged for what is wrong, since its answer may be what led the scorer astray; the sentence is for the
task's author.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real

from evaluators.contract import FLOOR, InstanceResult, Outcome

ROUNDING = 1e-9


def sound(found: object, name: str, regime: str) -> InstanceResult:
    """`found`, with plain numbers, if it is a result; else a failure of the instance that says what is wrong."""
    fault = _fault(found)
    if fault or not isinstance(found, InstanceResult):
        return InstanceResult(
            name=name, regime=regime, outcome=Outcome.CRASHED, detail=f"the task's scorer is at fault: {fault}"
        )
    if found.outcome is not Outcome.SCORED or found.score is None:
        return found if found.score is None else replace(found, score=None)
    metrics = {metric: float(value) for metric, value in found.metrics.items()}
    return replace(found, score=float(found.score), metrics=metrics)


def _fault(found: object) -> str:
    """What is wrong with it; empty if nothing is."""
    if not isinstance(found, InstanceResult):
        return f"play must return an InstanceResult, found {type(found).__name__}"
    if found.outcome is not Outcome.SCORED:
        return ""
    score, metrics = _given(found)
    if not _is_finite(score):
        return f"expected a finite number as the score, found {score!r:.60}"
    if found.counted_score < FLOOR - ROUNDING:
        return (
            f"the score {score:g} is below {FLOOR:g}, as which a failed instance counts, so that to fail would pay; "
            "expected max(FLOOR, score)"
        )
    if not isinstance(metrics, Mapping):
        return f"expected the metrics by name, found {type(metrics).__name__}"
    odd = next((name for name, value in metrics.items() if not _is_finite(value)), None)
    return "" if odd is None else f"expected a finite number as the metric {odd}, found {metrics[odd]!r:.60}"


def _given(found: InstanceResult) -> tuple[object, object]:
    """Score and metrics, of which nothing is known but that somebody's code put them there."""
    return found.score, found.metrics


def _is_finite(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
