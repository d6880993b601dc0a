"""A makespan that no order of a batch can beat: the larger of three proven bounds on parts of it.

Leaving transactions out of an order only takes constraints away, so the best makespan of any part bounds that of the
batch. What a part can at best have is shown in two ways, and the parts are looked for, which may miss good ones but
cannot make the bound false:

- `path_bound`, for parts that conflict pairwise (cliques), of any size: they follow one another as on a tour of a
  salesman whose distances are the delays, and an assignment relaxes a tour;
- `best_makespan`, for parts of seven: the least makespan over all 5040 orders.

Shapes: N transactions, C or K transactions of a part, P permutations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import permutations

import numpy as np

from evaluators.scheduling.transaction_order.batch import NO_DELAY, Batch, Ints, accesses
from evaluators.scheduling.transaction_order.cliques import apart_cliques, extended

PART = 7  # transactions whose orders are all tried
SWAPS = 60  # exchanges tried in each of the parts that the search starts from, or as many as there are transactions
STARTS = 2
NEAREST = 12  # candidates for an exchange
HOT_KEYS = 5  # keys with the most writers whose writers are tried as a clique
_FORBIDDEN = 10.0**7


def makespan_bound(batch: Batch) -> int:
    """Slots that every order of the batch takes; the same for the same batch."""
    rng = np.random.default_rng(0)
    bounds = [(path_bound(batch, clique), clique) for clique in _cliques(batch, rng)]
    bounds.sort(key=lambda pair: -pair[0])
    parts = [part_bound(batch, clique, rng) for _, clique in bounds[:STARTS]]
    return max(int(batch.lengths_N.max()), *(bound for bound, _ in bounds[:1]), *parts)


def path_bound(batch: Batch, clique: Sequence[int]) -> int:
    """A bound on the makespan of transactions of which every two conflict.

    Let i1, ..., iC be the order in which an optimal order admits them. Each conflicts with the one after it, so
    ``start(next) >= start(this) + delay(this, next)``, and the last ends at its start plus its length, where
    ``start(i1) >= 0``. Summed up: the makespan is at least the length of the tour depot, i1, ..., iC, depot in which
    leaving the depot costs nothing, going from i to j costs ``delay(i, j)``, and returning from i costs its length.
    Every tour is an assignment of successors, so the cheapest assignment is no longer than the cheapest tour.
    """
    from scipy.optimize import linear_sum_assignment

    members = np.asarray(clique)
    size = len(members)
    cost = np.zeros((size + 1, size + 1))
    cost[:size, :size] = batch.delays_NN[np.ix_(members, members)]
    cost[:size, size] = batch.lengths_N[members]
    if (cost[:size, :size][~np.eye(size, dtype=np.bool_)] <= NO_DELAY).any():
        raise ValueError("a path bound needs transactions of which every two conflict")
    np.fill_diagonal(cost, _FORBIDDEN)
    from_C, to_C = linear_sum_assignment(cost)
    return int(cost[from_C, to_C].sum())


def part_bound(batch: Batch, start: Sequence[int], rng: np.random.Generator) -> int:
    """The best makespan of a part of seven that is hard: members are exchanged for others while that helps."""
    separation_NN = np.where(batch.delays_NN > NO_DELAY, batch.delays_NN + batch.delays_NN.T, 0)
    part = _filled(batch, list(start)[:PART], separation_NN)
    best = best_makespan(batch, part)
    if len(part) == batch.size:
        return best
    for _ in range(min(SWAPS, batch.size)):
        out = int(rng.integers(len(part)))
        kept = part[:out] + part[out + 1 :]
        near = _nearest(batch, kept, separation_NN, forbidden=part)
        other = [*kept, int(rng.choice(near))]
        makespan = best_makespan(batch, other)
        if makespan >= best:
            part, best = other, makespan
    return best


def best_makespan(batch: Batch, part: Sequence[int]) -> int:
    """The least makespan over all orders of a few transactions, those that do not conflict included."""
    members = np.asarray(part)
    size, orders_KP = len(members), _orders(len(members))
    delays = batch.delays_NN[np.ix_(members, members)].astype(np.int32).ravel()
    lengths_K = batch.lengths_N[members].astype(np.int32)
    starts_KP = np.zeros(orders_KP.shape, dtype=np.int32)
    ends_P = lengths_K[orders_KP[0]]
    for place in range(1, size):
        for before in range(place):
            delay_P = delays[orders_KP[before] * size + orders_KP[place]]
            np.maximum(starts_KP[place], starts_KP[before] + delay_P, out=starts_KP[place])
        np.maximum(ends_P, starts_KP[place] + lengths_K[orders_KP[place]], out=ends_P)
    return int(ends_P.min())


@lru_cache(maxsize=PART)
def _orders(size: int) -> Ints:
    """``(K, P)`` all permutations, one a column."""
    return np.array(list(permutations(range(size))), dtype=np.int64).T.copy()


def _cliques(batch: Batch, rng: np.random.Generator) -> Iterable[list[int]]:
    """Cliques that may have a high bound: writers of a hot key, and transactions that are far apart in either order."""
    writers = [users_U[spans_U4[:, 3] >= 0].tolist() for users_U, spans_U4 in accesses(batch)]
    for members in sorted(writers, key=len, reverse=True)[:HOT_KEYS]:
        yield extended(batch, members)
    yield from apart_cliques(batch, rng)


def _filled(batch: Batch, part: list[int], separation_NN: Ints) -> list[int]:
    while len(part) < min(PART, batch.size):
        part.append(int(_nearest(batch, part, separation_NN, forbidden=part)[0]))
    return part


def _nearest(batch: Batch, kept: Sequence[int], separation_NN: Ints, forbidden: Sequence[int]) -> Ints:
    """The transactions that the kept ones hold up most, counted both ways; those forbidden left out, best first."""
    weight_N = separation_NN[:, kept].sum(axis=1) + batch.lengths_N
    weight_N[list(forbidden)] = -1
    count = min(NEAREST, batch.size - len(forbidden))
    return np.asarray(np.argsort(-weight_N, kind="stable")[:count], dtype=np.int64)
