"""How surprising a paired difference would be if two programs were alike, and when one may be claimed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.strata import strata_places

SIGNIFICANT = 0.05
EXACT_UP_TO = 16  # differences that are not zero: 2^16 sign patterns are enumerated
FLIPS = 19_999  # random sign patterns beyond that; with the observed one, p is a multiple of 1 / 20,000
_SEED = 20_260_501  # equal differences give equal p-values
_TIES = 1e-9  # what comes this close to the observed one counts as equal to it
_LEAST_ERROR = 1e-3  # of the largest standard error that signs could make

# Shapes: P sign patterns, N differences that are not zero, S strata
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def sign_flip_p(differences: Sequence[float], strata: Sequence[str] = (), *, one_sided: bool = False) -> float:
    """The p-value of the mean of paired `differences` under random exchange of the two programs within each pair.

    What is compared is the mean over its standard error, taken within strata as that of the interval is. Whatever the
    strata, p is exact where the programs are alike; where regimes differ in who wins, the plain mean would find next
    to nothing, and p stays valid for the mean only since it is studentised (Chung and Romano, Ann. Stat. 41, 2013;
    simulated in tests/evaluators/test_significance.py). With one stratum it is the test of the plain mean.

    Exact for up to `EXACT_UP_TO` differences that are not zero, else over `FLIPS` seeded patterns with the observed one
    counted in (Phipson and Smyth 2010), so that it is valid and never zero.

    Args:
        differences: ``(n,)`` score of the first program minus score of the second, one per instance.
        strata: ``(n,)`` the regime of each; empty for one regime.
        one_sided: Against "the first is better" instead of "they differ".

    Returns:
        A probability in ``(0, 1]``; 1 where no difference is left.
    """
    largest = max((abs(difference) for difference in differences), default=0.0)
    if largest == 0:
        return 1.0
    groups = strata_places(strata or [""] * len(differences))
    parts_NS = _by_stratum(np.array(differences, dtype=np.float64) / largest, groups)
    is_exact = len(parts_NS) <= EXACT_UP_TO
    sums_PS = _every_sum(parts_NS) if is_exact else _random_sums(parts_NS)
    squares_S, sizes_S = (parts_NS**2).sum(axis=0), np.array([len(group) for group in groups])
    observed = float(_studentised(parts_NS.sum(axis=0, keepdims=True), squares_S, sizes_S)[0])
    found = _studentised(sums_PS, squares_S, sizes_S)
    slack = _TIES * (1 + abs(observed))
    as_extreme = found >= observed - slack if one_sided else np.abs(found) >= abs(observed) - slack
    count = int(as_extreme.sum())
    return count / len(found) if is_exact else (count + 1) / (len(found) + 1)


def is_settled(low: float, high: float, p: float) -> bool:
    """Whether a difference may be claimed: its interval excludes zero and p (adjusted, if one of several) is low."""
    return (low > 0 or high < 0) and p < SIGNIFICANT


def remark_on_p(low: float, high: float, p: float) -> str:
    """What is to be added to `p` where an interval without zero claims nothing all the same; else nothing."""
    is_doubted = (low > 0 or high < 0) and p >= SIGNIFICANT
    return f" (a claim needs p below {SIGNIFICANT:g} beside an interval without zero)" if is_doubted else ""


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number, in the order given (Holm 1979): below 0.05 is a claim that stands."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _by_stratum(differences: Floats, groups: Sequence[Sequence[int]]) -> Floats:
    """``(N, S)`` each difference that is not zero in the column of its stratum, zero in the others."""
    parts = np.zeros((len(differences), len(groups)))
    for stratum, places in enumerate(groups):
        parts[places, stratum] = differences[places]
    moving: Floats = parts[differences != 0]
    return moving


def _studentised(sums_PS: Floats, squares_S: Floats, sizes_S: Floats) -> Floats:
    """``(P,)`` each pattern's sum over its standard error, from sums and squares by stratum.

    The error is no smaller than `_LEAST_ERROR` of its largest: patterns without any spread compare by their sums.
    """
    weight_S = sizes_S / np.maximum(sizes_S - 1, 1)
    variance_P = np.maximum(squares_S - sums_PS**2 / sizes_S, 0.0) @ weight_S
    least = _LEAST_ERROR**2 * float(squares_S @ weight_S)
    ratio: Floats = sums_PS.sum(axis=1) / np.sqrt(np.maximum(variance_P, least))
    return ratio


def _every_sum(parts_NS: Floats) -> Floats:
    """``(2^n, S)`` the sums by stratum under all sign patterns."""
    sums = np.zeros((1, parts_NS.shape[1]))
    for part in parts_NS:
        sums = np.concatenate([sums + part, sums - part])
    return sums


def _random_sums(parts_NS: Floats) -> Floats:
    """``(FLIPS, S)`` the sums by stratum under random sign patterns."""
    signs_PN = np.random.default_rng(_SEED).integers(0, 2, (FLIPS, len(parts_NS)), dtype=np.int8)
    sums: Floats = (2.0 * signs_PN - 1.0) @ parts_NS
    return sums
