"""How sure a mean score is: studentised intervals and one-sided bounds, stratified by regime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from evaluators.strata import strata_places

MINIMUM_SCORES = 12  # below this an interval would cover far less than it says (tests/evaluators/test_coverage.py)
SKEWNESS_SHARE = 0.75  # of the estimated skewness that is corrected for; see `Pivot`
LARGEST_STEP = 0.8  # of quantile x skewness: one odd score among few widens a side by half at most, never without limit


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided confidence interval of a mean."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Pivot:
    """A mean of scores with what is known of its error; `bound` inverts the distribution of their ratio.

    The variance is taken within strata, with Satterthwaite's degrees of freedom (Cochran, Sampling Techniques, 5.4).
    Hall's cubic transformation takes most of the estimated skewness out (Hall, J. R. Stat. Soc. B 54, 1992). All of it
    would cost symmetric scores with long tails more coverage than it gives the skewed: the estimate is noisy at n = 12.
    Simulated in tests/evaluators/test_coverage.py. Strata of two cover more than they say.
    """

    mean: float
    error: float  # standard error of the mean
    freedom: float
    skewness: float  # of the mean, about (skewness of a score) / sqrt(n)

    def bound(self, probability: float) -> float:
        """The value that the true mean lies below with `probability`."""
        if self.error == 0:
            return self.mean
        quantile = float(special.stdtrit(self.freedom, probability))
        return self.mean + self.error * _untransformed(quantile, self.skewness)


def mean_interval(scores: Sequence[float], strata: Sequence[str], confidence: float = 0.95) -> Interval | None:
    """The studentised interval of the mean of `scores`, their variance taken within strata.

    Instances of one regime are repeated draws; differences between regimes are part of the task, not noise. A
    stratum of one instance tells nothing of its own variance and is pooled with the others of its kind.

    Args:
        scores: ``(n,)`` one score per instance.
        strata: ``(n,)`` the regime of each.
        confidence: Coverage asked for, in ``(0, 1)``.

    Returns:
        The interval, or None for fewer than `MINIMUM_SCORES` scores: too few to say.
    """
    pivot = pivot_of(scores, strata)
    return Interval(pivot.bound(0.5 - confidence / 2), pivot.bound(0.5 + confidence / 2)) if pivot else None


def paired_interval(
    scores: Sequence[float], reference: Sequence[float], strata: Sequence[str], confidence: float = 0.95
) -> Interval | None:
    """The interval of the mean difference `scores` - `reference` over the same instances, in the same order."""
    differences = [a - b for a, b in zip(scores, reference, strict=True)]
    return mean_interval(differences, strata, confidence)


def unpaired_interval(
    scores: Sequence[float],
    strata: Sequence[str],
    reference: Sequence[float],
    reference_strata: Sequence[str],
    confidence: float = 0.95,
) -> Interval | None:
    """The interval of the difference of two means over different instances; each side keeps its own strata."""
    total = len(scores) + len(reference)
    if not scores or not reference:
        return None
    weighted = [score * total / len(scores) for score in scores]
    weighted += [-score * total / len(reference) for score in reference]
    sides = [f"1 {stratum}" for stratum in strata] + [f"2 {stratum}" for stratum in reference_strata]
    return mean_interval(weighted, sides, confidence)


def lower_bound(scores: Sequence[float], strata: Sequence[str], confidence: float = 0.95) -> float | None:
    """The value that the true mean exceeds with this confidence; None for too few scores."""
    pivot = pivot_of(scores, strata)
    return pivot.bound(1 - confidence) if pivot else None


def upper_bound(scores: Sequence[float], strata: Sequence[str], confidence: float = 0.95) -> float | None:
    """The value that the true mean stays below with this confidence; None for too few scores."""
    pivot = pivot_of(scores, strata)
    return pivot.bound(confidence) if pivot else None


def pivot_of(scores: Sequence[float], strata: Sequence[str]) -> Pivot | None:
    """What `scores` tell of their mean; None for fewer than `MINIMUM_SCORES`."""
    if len(scores) != len(strata):
        raise ValueError(f"one stratum per score is needed, but there are {len(scores)} and {len(strata)}")
    if len(scores) < MINIMUM_SCORES:
        return None
    groups = [np.array([scores[place] for place in places]) for places in strata_places(strata)]
    n = len(scores)
    mean = math.fsum(scores) / n
    parts = [len(group) * float(np.var(group, ddof=1)) / n**2 for group in groups]
    variance = math.fsum(parts)
    if variance == 0:
        return Pivot(mean, 0.0, 1.0, 0.0)
    shares = [part / variance for part in parts]  # which cannot underflow when squared
    freedom = 1 / math.fsum(share**2 / (len(group) - 1) for share, group in zip(shares, groups, strict=True))
    error = math.sqrt(variance)
    return Pivot(mean, error, freedom, math.fsum(_third_moment(group, n * error) for group in groups))


def _third_moment(group: np.ndarray[tuple[int], np.dtype[np.float64]], scale: float) -> float:
    """What a stratum adds to the skewness of the mean: the unbiased third central moment; a pair says nothing of it."""
    size = len(group)
    if size < 3:
        return 0.0
    cubes = float((((group - group.mean()) / scale) ** 3).sum())
    return size * cubes * size / ((size - 1) * (size - 2))


def _untransformed(quantile: float, skewness: float) -> float:
    """Hall's transformation undone: minus the studentised mean at the lower-tail `quantile` of its upper bound."""
    largest = LARGEST_STEP / max(abs(quantile), LARGEST_STEP)
    skew = max(-largest, min(largest, SKEWNESS_SHARE * skewness))
    if abs(skew) < 1e-6:
        return quantile
    return -3 / skew * math.expm1(math.log1p(skew * (-quantile - skew / 6)) / 3)
