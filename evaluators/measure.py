"""How sure a mean score is: studentised intervals, stratified by regime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from scipy import special

MINIMUM_SCORES = 12  # below this an interval would cover far less than it says (DESIGN section 4)


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided confidence interval of a mean."""

    low: float
    high: float

    def excludes_zero(self) -> bool:
        """Whether the sign of the mean is settled at this confidence."""
        return self.low > 0 or self.high < 0


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

    Source: stratified sampling with Satterthwaite's degrees of freedom (Cochran, Sampling Techniques, 5.4).
    """
    if len(scores) != len(strata):
        raise ValueError(f"one stratum per score is needed, but there are {len(scores)} and {len(strata)}")
    if len(scores) < MINIMUM_SCORES:
        return None
    groups = _strata_scores(scores, strata)
    n = len(scores)
    parts = [(len(g) * float(np.var(g, ddof=1)) / n**2, len(g) - 1) for g in groups]
    variance = math.fsum(part for part, _ in parts)
    mean = math.fsum(scores) / n
    if variance == 0:
        return Interval(mean, mean)
    freedom = 1 / math.fsum((part / variance) ** 2 / df for part, df in parts)  # shares cannot underflow
    half = float(special.stdtrit(freedom, 0.5 + confidence / 2)) * math.sqrt(variance)
    return Interval(mean - half, mean + half)


def paired_interval(
    scores: Sequence[float], reference: Sequence[float], strata: Sequence[str], confidence: float = 0.95
) -> Interval | None:
    """The interval of the mean difference `scores` - `reference` over the same instances, in the same order."""
    differences = [a - b for a, b in zip(scores, reference, strict=True)]
    return mean_interval(differences, strata, confidence)


def _strata_scores(scores: Sequence[float], strata: Sequence[str]) -> list[list[float]]:
    """Scores by stratum; strata of one are pooled into one, and join the first stratum if still alone."""
    pairs = sorted(zip(strata, scores, strict=True), key=lambda pair: pair[0])
    groups = [[score for _, score in group] for _, group in groupby(pairs, key=lambda pair: pair[0])]
    large = [group for group in groups if len(group) > 1]
    pooled = [score for group in groups if len(group) == 1 for score in group]
    if len(pooled) == 1 and large:
        large[0] = large[0] + pooled
    elif pooled:
        large.append(pooled)
    return large
