"""A proven upper bound of the room: no placement has more.

With room q every part claims its size and q times its demand, and the claims on each GPU fit into its memory: at a
fixed q the problem is to pack claims into bins. If a condition that every packing meets is not met at q, no placement
has room q, nor any more. The bound is the smallest q that bisection finds refuted; every q that is refuted is a valid
bound, so nothing depends on how far bisection goes. That parts of a model may not share, and that little may move, only
takes placements away.

Sources: total volume (Martello and Toth's L1) and its form for bins of several sizes; counting large items, after S.
Martello and P. Toth, "Lower bounds and reduction procedures for the bin packing problem", Discrete Applied Mathematics
28 (1990); a fractional knapsack (Dantzig, 1957) for what must leave a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from evaluators.placement.model_packing.cluster import NOWHERE, SLACK_GB, Cluster, Floats
from evaluators.placement.model_packing.exact import LARGEST, best_room

MOST_SUBSETS = 12  # parts on one GPU of which all subsets are looked at
STEPS = 40  # of bisection: below 1e-12 of the first bound
RELATIVE = 1e-9  # by which claims must be above memory before anything is refuted: far above rounding


def room_bound(cluster: Cluster) -> float:
    """GB per unit of demand that no placement has more of; the best room itself where that can be proven."""
    bound = relaxed_bound(cluster)
    if cluster.num_parts > LARGEST or (cluster.home_N != NOWHERE).any():
        return bound
    return min(bound, best_room(cluster, bound))


def relaxed_bound(cluster: Cluster) -> float:
    """The bound without any exhaustive search."""
    return smallest_refuted(volume_bound(cluster), lambda room: is_refuted(cluster, room))


def volume_bound(cluster: Cluster) -> float:
    """Free memory of all GPUs over demand of all parts; not below 0."""
    free_gb = cluster.memory_G.sum() - cluster.size_N.sum()
    return max(float(free_gb / cluster.demand_N.sum()), 0.0) * (1 + RELATIVE)


def lone_room(cluster: Cluster) -> float:
    """The room of the worst part if each were alone on the largest GPU."""
    return float(((cluster.memory_G.max() - cluster.size_N) / cluster.demand_N).min())


def smallest_refuted(bound: float, refuted: Callable[[float], bool]) -> float:
    """A room not above `bound` that is refuted, or `bound` itself, which is known to be one."""
    low, high = 0.0, bound
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if refuted(middle) else (middle, high)
    return high


def is_refuted(cluster: Cluster, room: float) -> bool:
    """Whether it is certain that no placement has this room."""
    claim_N = (cluster.size_N + room * cluster.demand_N) * (1 - RELATIVE)
    return (
        too_few_gpus(cluster, claim_N)
        or too_little_memory(claim_N, cluster.memory_G)
        or too_many_parts(claim_N, cluster.memory_G)
        or beyond_budget(cluster, claim_N)
    )


def too_few_gpus(cluster: Cluster, claim_N: Floats) -> bool:
    """Whether a model has more parts than there are GPUs that hold one of them alone."""
    order = np.lexsort((-claim_N, cluster.model_N))
    _, first, width = np.unique(cluster.model_N[order], return_index=True, return_counts=True)
    if width.max() > cluster.num_gpus:
        return True
    rank_N = np.arange(cluster.num_parts) - np.repeat(first, width)
    falling_G = np.sort(cluster.memory_G)[::-1]
    return bool((claim_N[order] > falling_G[rank_N]).any())


def too_little_memory(claim_N: Floats, memory_G: Floats) -> bool:
    """Whether the parts that need a GPU of more than m GB claim more than all of these have, for some m."""
    limits = np.concatenate([[0.0], np.unique(memory_G)])
    return any(claim_N[claim_N > limit].sum() > memory_G[memory_G > limit].sum() for limit in limits)


def too_many_parts(claim_N: Floats, memory_G: Floats) -> bool:
    """Whether the k largest parts are more than the GPUs hold even if each held the smallest of these, for some k."""
    before = np.concatenate([[0.0], np.cumsum(np.sort(claim_N))])
    first = np.arange(len(claim_N))
    held = np.zeros(len(claim_N), dtype=np.int64)
    for memory, count in zip(*np.unique(memory_G, return_counts=True), strict=True):
        held += count * (np.searchsorted(before, before[:-1] + memory, side="right") - 1 - first)
    return bool((held < len(claim_N) - first).any())


def beyond_budget(cluster: Cluster, claim_N: Floats) -> bool:
    """Whether more must leave overfull homes than may move."""
    least_gb = 0.0
    for gpu in np.unique(cluster.home_N[cluster.home_N != NOWHERE]):
        at_home = cluster.home_N == gpu
        size, claim, memory = cluster.size_N[at_home], claim_N[at_home], float(cluster.memory_G[gpu])
        if claim.sum() > memory:
            least_gb += (_least_leaving_gb if size.size <= MOST_SUBSETS else _least_flowing_gb)(size, claim, memory)
    return least_gb > cluster.budget_gb * (1 + RELATIVE) + SLACK_GB


def _least_leaving_gb(size: Floats, claim: Floats, memory: float) -> float:
    """GB that leave if the most GB stay of which the claims fit: all subsets are looked at."""
    subsets = _subsets(len(size))
    return float(size.sum() - (subsets @ size)[subsets @ claim <= memory].max())


def _least_flowing_gb(size: Floats, claim: Floats, memory: float) -> float:
    """A lower value of it, parts being divisible: those leave first that claim most per GB."""
    order = np.argsort(size / claim, kind="stable")
    freed, moved = np.cumsum(claim[order]), np.cumsum(size[order])
    excess = claim.sum() - memory
    return float(np.interp(excess, np.concatenate([[0.0], freed]), np.concatenate([[0.0], moved])))


@lru_cache(maxsize=MOST_SUBSETS + 1)
def _subsets(parts: int) -> Floats:
    """``(2^n, n)`` zeros and ones."""
    return (np.arange(2**parts)[:, None] >> np.arange(parts) & 1).astype(np.float64)
