"""Two programs on equal instances: the paired difference, how sure it is, and one sentence that says no more. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.figures import difference_range, difference_text
from evaluators.measure import Interval, paired_interval
from evaluators.paired import counted_scores
from evaluators.significance import holm, is_settled, remark_on_p, sign_flip_p
from evolve.errors import EvolveError

SPLIT_NAMES = {
    Split.SEARCH: "the search instances",
    Split.VALIDATION: "the validation instances",
    Split.HOLDOUT: "the hold-out",
    Split.REPORT: "the report instances",
}


class ComparisonError(EvolveError):
    """Two evaluations whose scores do not compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """One stratum of a comparison."""

    regime: str
    instances: int
    a: float  # mean scores
    b: float
    difference: float
    p: float  # adjusted for the number of regimes (Holm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A against B; the figures are absent where one of them was not scored."""

    tier: Tier
    split: Split
    instances: int
    a: float | None  # objectives
    b: float | None
    difference: float | None = None  # a - b
    interval: Interval | None = None  # 95 %, paired; absent for fewer than 12 instances too
    p: float | None = None  # two-sided, by sign flips
    regimes: tuple[Regime, ...] = ()
    verdict: str


def compare(name_a: str, a: Evaluation, name_b: str, b: Evaluation) -> Comparison:
    """What two evaluations on the same instances say of their programs.

    Raises:
        ComparisonError: They were not made on the same instances, or not in the same class of environment.
    """
    _check_terms(name_a, a, name_b, b)
    failed = [f"{name} ended as {e.outcome}" for name, e in ((name_a, a), (name_b, b)) if not _is_scored(e)]
    if failed:
        verdict = f"{' and '.join(failed)} on {SPLIT_NAMES[a.split]}, so there is no difference to judge"
        return Comparison(
            tier=a.tier, split=a.split, instances=len(a.instances), a=a.objective, b=b.objective, verdict=verdict
        )
    scores_a, scores_b = counted_scores(a), counted_scores(b)
    differences = [x - y for x, y in zip(scores_a, scores_b, strict=True)]
    mean = math.fsum(differences) / len(differences)
    regimes = [instance.regime for instance in a.instances]
    interval, p = paired_interval(scores_a, scores_b, regimes), sign_flip_p(differences, regimes)
    remark = remark_on_p(interval.low, interval.high, p) if interval else ""
    return Comparison(
        tier=a.tier,
        split=a.split,
        instances=len(differences),
        a=a.objective,
        b=b.objective,
        difference=mean,
        interval=interval,
        p=p,
        regimes=_regimes(a, b),
        verdict=f"{_claim(name_a, name_b, mean, interval, p)} on {SPLIT_NAMES[a.split]}: "
        f"{difference_text(mean)}{_range(interval)}, p = {p:.2g}{remark}, {len(differences)} instances",
    )


def _check_terms(name_a: str, a: Evaluation, name_b: str, b: Evaluation) -> None:
    terms = (
        ("task", f"{a.task} {a.task_identity}", f"{b.task} {b.task_identity}"),
        ("environment class", f"[{a.environment_class}]", f"[{b.environment_class}]"),
        ("tier", a.tier, b.tier),
        ("split", a.split, b.split),
        ("seeds", a.seeds, b.seeds),
        ("instances", _names(a), _names(b)),
    )
    for what, found_a, found_b in terms:
        if found_a != found_b:
            raise ComparisonError(
                f"{name_a} and {name_b} do not compare: {name_a} was scored with {what} {found_a}, "
                f"{name_b} with {what} {found_b}"
            )


def _names(evaluation: Evaluation) -> list[tuple[str, str]]:
    return [(instance.name, instance.regime) for instance in evaluation.instances]


def _is_scored(evaluation: Evaluation) -> bool:
    return evaluation.outcome is Outcome.SCORED


def _claim(name_a: str, name_b: str, mean: float, interval: Interval | None, p: float) -> str:
    """Better or worse only where interval and test agree."""
    if interval is None:
        return f"too few instances to say whether {name_a} differs from {name_b}"
    if not is_settled(interval.low, interval.high, p):
        return f"{name_a} is not shown to differ from {name_b}"
    return f"{name_a} is {'better' if mean > 0 else 'worse'} than {name_b}"


def _range(interval: Interval | None) -> str:
    return f" {difference_range(interval.low, interval.high)}" if interval else ""


def _regimes(a: Evaluation, b: Evaluation) -> tuple[Regime, ...]:
    """The difference within each regime, in order of first appearance."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for x, y in zip(a.instances, b.instances, strict=True):
        pairs.setdefault(x.regime, []).append((x.counted_score, y.counted_score))
    p_values = holm([sign_flip_p([x - y for x, y in found]) for found in pairs.values()])
    return tuple(_regime(name, found, p) for (name, found), p in zip(pairs.items(), p_values, strict=True))


def _regime(name: str, pairs: Sequence[tuple[float, float]], p: float) -> Regime:
    mean_a = math.fsum(x for x, _ in pairs) / len(pairs)
    mean_b = math.fsum(y for _, y in pairs) / len(pairs)
    difference = math.fsum(x - y for x, y in pairs) / len(pairs)
    return Regime(regime=name, instances=len(pairs), a=mean_a, b=mean_b, difference=difference, p=p)
