"""Random integers that are the same on every machine and numpy version.

numpy keeps the raw output of a bit generator stable, but not what `Generator` makes of it; so the integers are made
here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_BLOCK = 4096


class Stream:
    """Random integers from PCG64's raw output, by multiply and shift; the bias is below ``n / 2**32``."""

    def __init__(self, seed: Sequence[int]) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(list(seed)))
        self._words: list[int] = []

    def below(self, n: int) -> int:
        """An integer in ``[0, n)``; `n` is at most ``2**24``."""
        if not self._words:
            self._words = (self._bits.random_raw(_BLOCK) >> np.uint64(32)).tolist()
        return (self._words.pop() * n) >> 32

    def weighted(self, cumulative: Sequence[int]) -> int:
        """An index, drawn with integer weights whose running sums are `cumulative`."""
        ticket = self.below(cumulative[-1])
        return next(index for index, total in enumerate(cumulative) if ticket < total)

    def permutation(self, n: int) -> list[int]:
        """A random order of ``0 .. n - 1``."""
        order = list(range(n))
        for last in range(n - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order
