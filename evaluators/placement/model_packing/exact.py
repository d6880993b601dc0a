"""The best room of small clusters, by exhausting what packings there are.

Homes and parts that may not share are left out, so the value is a bound for every cluster, and, but for FINER, the
optimum itself where each model is one part and nothing has a home.

Source: depth-first bin packing, largest item first, best fit first, cut by wasted space; textbook, after Martello and
Toth, "Knapsack Problems" (1990), chapter 8.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.placement.model_packing.cluster import Cluster

LARGEST = 20  # parts up to which it is tried
MOST_NODES = 100_000  # of one search; beyond that nothing is known, and the room counts as possible
STEPS = 14  # of bisection, before the last gap is closed from packing to better packing
MOST_CLIMBS = 60
RELATIVE = 1e-9  # by which claims must be above memory before anything is refuted: far above rounding
FINER = 1e-7  # the bound is at most this far above the best room, where it is proven


class SearchTooLong(Exception):  # noqa: N818 - no error: the answer is "perhaps"
    """The search was given up."""


def best_room(cluster: Cluster, bound: float) -> float:
    """The smallest room above the best that was refuted, `bound` if none was; no placement has more."""
    low, high = 0.0, bound
    try:
        for step in range(STEPS + MOST_CLIMBS):
            room = (low + high) / 2 if step < STEPS else low * (1 + FINER)
            if room >= high:
                break
            found = _packed_room(cluster, room)
            low, high = (low, room) if found is None else (max(low, found), high)
    except SearchTooLong:
        return high
    return high


def _packed_room(cluster: Cluster, room: float) -> float | None:
    """The room of a packing that has at least `room`; None if there is none.

    Raises:
        SearchTooLong: Nobody knows.
    """
    claim_N = (cluster.size_N + room * cluster.demand_N) * (1 - RELATIVE)
    order = np.argsort(-claim_N, kind="stable")
    gpus = packing(claim_N[order].tolist(), cluster.memory_G.tolist())
    if gpus is None:
        return None
    gpu_N = np.empty(cluster.num_parts, dtype=np.int64)
    gpu_N[order] = gpus
    return max(room, cluster.room(gpu_N))


def packing(falling: Sequence[float], memories: Sequence[float]) -> list[int] | None:
    """A bin for each claim such that all fit; None if there is no such packing.

    Raises:
        SearchTooLong: More than `MOST_NODES` nodes.
    """
    search = _Search(falling, memories)
    return search.chosen if search.fits(0) else None


class _Search:
    def __init__(self, falling: Sequence[float], memories: Sequence[float]) -> None:
        self.claims = falling
        self.left = list(memories)
        self.chosen = [0] * len(falling)
        self.after = np.cumsum(falling[::-1])[::-1].tolist()  # what this claim and those after it sum to
        self.nodes = 0

    def fits(self, index: int) -> bool:
        """Whether the claims from `index` on fit into what is left."""
        if index == len(self.claims):
            return True
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise SearchTooLong
        smallest = self.claims[-1]
        if sum(space for space in self.left if space >= smallest) < self.after[index]:
            return False
        return any(self._fits_in(gpu, index) for gpu in self._gpus_for(self.claims[index]))

    def _gpus_for(self, claim: float) -> list[int]:
        """One GPU of each space that holds the claim, the smallest space first."""
        spaces = {space: gpu for gpu, space in enumerate(self.left) if space >= claim}
        return [spaces[space] for space in sorted(spaces)]

    def _fits_in(self, gpu: int, index: int) -> bool:
        before = self.left[gpu]
        self.left[gpu] = before - self.claims[index]
        self.chosen[index] = gpu
        found = self.fits(index + 1)
        self.left[gpu] = before
        return found
