"""How surprising a paired difference would be if two programs were alike, and when one may be claimed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SIGNIFICANT = 0.05
EXACT_UP_TO = 16  # differences that are not zero: 2^16 sign patterns are enumerated
FLIPS = 19_999  # random sign patterns beyond that; with the observed one, p is a multiple of 1 / 20,000
_SEED = 20_260_501  # equal differences give equal p-values
_TIES = 1e-12  # of the sum of magnitudes: sums this close to the observed one count as equal to it

# Shapes: P sign patterns, N differences
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def sign_flip_p(differences: Sequence[float], *, one_sided: bool = False) -> float:
    """The p-value of the mean of paired `differences` under random exchange of the two programs within each pair.

    Exact for up to `EXACT_UP_TO` differences that are not zero, else over `FLIPS` seeded patterns with the observed one
    counted in (Phipson and Smyth 2010), so that it is valid and never zero.

    Args:
        differences: ``(n,)`` score of the first program minus score of the second, one per instance.
        one_sided: Against "the first is better" instead of "they differ".

    Returns:
        A probability in ``(0, 1]``; 1 where no difference is left.
    """
    moving = np.array([difference for difference in differences if difference != 0], dtype=np.float64)
    if not moving.size:
        return 1.0
    is_exact = moving.size <= EXACT_UP_TO
    sums = _every_sum(moving) if is_exact else _random_sums(moving)
    observed, slack = float(moving.sum()), _TIES * float(np.abs(moving).sum())
    as_extreme = sums >= observed - slack if one_sided else np.abs(sums) >= abs(observed) - slack
    count = int(as_extreme.sum())
    return count / len(sums) if is_exact else (count + 1) / (len(sums) + 1)


def is_settled(low: float, high: float, p: float) -> bool:
    """Whether a difference may be claimed: its interval excludes zero and p (adjusted, if one of several) is low."""
    return (low > 0 or high < 0) and p < SIGNIFICANT


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number, in the order given (Holm 1979): below 0.05 is a claim that stands."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _every_sum(differences_N: Floats) -> Floats:
    """``(2^n,)`` the sums under all sign patterns."""
    sums = np.zeros(1)
    for difference in differences_N:
        sums = np.concatenate([sums + difference, sums - difference])
    return sums


def _random_sums(differences_N: Floats) -> Floats:
    """``(FLIPS,)`` the sums under random sign patterns."""
    signs_PN = np.random.default_rng(_SEED).integers(0, 2, (FLIPS, differences_N.size), dtype=np.int8)
    sums: Floats = (2.0 * signs_PN - 1.0) @ differences_N
    return sums
