"""Scored evaluations, alone and against another on the same instances: how sure a mean and a difference are. Pure."""

from __future__ import annotations

from evaluators.contract import Evaluation, Outcome
from evaluators.measure import Interval, mean_interval, paired_interval
from evaluators.significance import sign_flip_p


def counted_scores(evaluation: Evaluation) -> list[float]:
    """The score of each instance, the floor for one that failed."""
    return [instance.counted_score for instance in evaluation.instances]


def interval_of(evaluation: Evaluation) -> Interval | None:
    """The 95 % interval of a scored evaluation's objective."""
    if evaluation.outcome is not Outcome.SCORED:
        return None
    return mean_interval(counted_scores(evaluation), _regimes(evaluation))


def gain_of(evaluation: Evaluation, reference: Evaluation) -> Interval | None:
    """The 95 % interval of the paired difference of two evaluations on the same instances; None without two scores."""
    if evaluation.outcome is not Outcome.SCORED or reference.outcome is not Outcome.SCORED:
        return None
    return paired_interval(counted_scores(evaluation), counted_scores(reference), _regimes(evaluation))


def p_of(evaluation: Evaluation, reference: Evaluation) -> float | None:
    """The two-sided sign-flip p of that difference, within regimes; None without two scores."""
    if evaluation.outcome is not Outcome.SCORED or reference.outcome is not Outcome.SCORED:
        return None
    pairs = zip(counted_scores(evaluation), counted_scores(reference), strict=True)
    return sign_flip_p([own - other for own, other in pairs], _regimes(evaluation))


def is_better(challenger: Evaluation, reference: Evaluation) -> bool:
    """Whether the paired difference of the two is above zero with 95 % confidence.

    Any scored program is better than one that failed, and none than one that the infrastructure lost.
    """
    if challenger.outcome is not Outcome.SCORED or reference.outcome is Outcome.INFRASTRUCTURE:
        return False
    if reference.outcome is not Outcome.SCORED:
        return True
    interval = gain_of(challenger, reference)
    if interval is None:  # too few instances to say how sure: the plain order of the means
        return challenger.counted_objective > reference.counted_objective
    return interval.low > 0


def _regimes(evaluation: Evaluation) -> list[str]:
    return [instance.regime for instance in evaluation.instances]
