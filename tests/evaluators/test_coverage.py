"""Whether intervals cover as often as they say, on simulated scores with known means."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from evaluators.measure import lower_bound, mean_interval, upper_bound

REPEATS = 2000  # the standard error of a coverage of 95 % is then 0.5 points
Draw = Callable[[np.random.Generator, int], np.ndarray[tuple[int], np.dtype[np.float64]]]

# scores with mean zero, as (paired) scores look: even, skewed to either side, long-tailed
DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(0, 1, n),
    "student, 5 degrees": lambda rng, n: rng.standard_t(5, n),
    "beta(2, 8), skewness 0.8": lambda rng, n: rng.beta(2, 8, n) - 0.2,
    "beta(8, 2), skewness -0.8": lambda rng, n: rng.beta(8, 2, n) - 0.8,
    "lognormal, skewness 1.75": lambda rng, n: rng.lognormal(0, 0.5, n) - math.exp(0.125),
}
# stratum sizes and the spread of each stratum's scores
DESIGNS = {
    "12 in one": ((12,), (1.0,)),
    "12 in two": ((4, 8), (1.0, 2.0)),
    "12 in three": ((2, 4, 6), (1.0, 2.0, 1.0)),
    "30 in three": ((6, 9, 15), (1.0, 2.0, 3.0)),
    "30 in four": ((2, 4, 8, 16), (1.0, 1.0, 1.0, 1.0)),
    "18 in six, as the hold-out": ((3,) * 6, (1.0, 2.0, 1.0) * 2),
}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_intervals_cover_as_often_as_they_say(design: str, distribution: str) -> None:
    sizes, spreads = DESIGNS[design]
    strata = [str(i) for i, size in enumerate(sizes) for _ in range(size)]
    shifts = np.repeat(np.arange(len(sizes), dtype=float), sizes)  # strata differ in their means too
    mean = float(shifts.mean())
    rng = np.random.default_rng([sum(sizes), len(sizes), len(distribution)])
    covered = below = above = 0
    for _ in range(REPEATS):
        scores = (shifts + np.repeat(spreads, sizes) * DISTRIBUTIONS[distribution](rng, len(strata))).tolist()
        interval, low, high = mean_interval(scores, strata), lower_bound(scores, strata), upper_bound(scores, strata)
        assert interval is not None
        assert low is not None
        assert high is not None
        covered += interval.low <= mean <= interval.high
        below += low <= mean
        above += mean <= high
    assert 0.93 <= covered / REPEATS <= 0.97
    assert 0.90 <= below / REPEATS <= 0.99  # one side of skewed scores covers less than the other
    assert 0.90 <= above / REPEATS <= 0.99
