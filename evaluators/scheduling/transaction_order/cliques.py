"""Looks for transactions that conflict pairwise and keep one another far apart.

Shapes: N transactions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from evaluators.scheduling.transaction_order.batch import NO_DELAY, NO_KEY, Batch, Bools, Ints

LARGEST_DISTANCE = 8
TRIES = 6  # greedy cliques per anchor and distance


def apart_cliques(batch: Batch, rng: np.random.Generator) -> Iterable[list[int]]:
    """For each anchor and distance, the largest clique found of transactions that far apart in either order.

    The distance of two is measured between their anchors, a place in each transaction: its begin, its middle, or where
    it accesses its most written key.
    """
    for anchors_N in (np.zeros_like(batch.lengths_N), batch.lengths_N // 2, _hottest(batch)):
        shifted_NN = batch.delays_NN + anchors_N[None, :] - anchors_N[:, None]
        distance_NN = np.where(batch.delays_NN > NO_DELAY, np.minimum(shifted_NN, shifted_NN.T), NO_DELAY)
        for least in range(1, LARGEST_DISTANCE + 1):
            near_NN = distance_NN >= least
            found = [_clique(near_NN, rng, first=attempt == 0) for attempt in range(TRIES)]
            yield max(found, key=len)


def extended(batch: Batch, clique: Sequence[int]) -> list[int]:
    """The clique with further transactions that conflict with all of it, those held up most first."""
    conflict_NN = batch.delays_NN > NO_DELAY
    members = list(clique)
    both_ways_NN = batch.delays_NN + batch.delays_NN.T
    common_N = conflict_NN[:, members].all(axis=1)
    while common_N.any():
        rows = np.flatnonzero(common_N)
        members.append(int(rows[both_ways_NN[rows][:, members].sum(axis=1).argmax()]))
        common_N &= conflict_NN[members[-1]]
    return members


def _clique(near_NN: Bools, rng: np.random.Generator, *, first: bool) -> list[int]:
    """A clique grown by the neighbour with the most neighbours left; the first from the node with most of them."""
    start = int(near_NN.sum(axis=1).argmax()) if first else int(rng.integers(len(near_NN)))
    members, common_N = [start], near_NN[start].copy()
    while common_N.any():
        rows = np.flatnonzero(common_N)
        degrees = near_NN[np.ix_(rows, rows)].sum(axis=1)
        best = rows[degrees >= degrees.max() - (0 if first else 1)]
        members.append(int(rng.choice(best)))
        common_N &= near_NN[members[-1]]
    return members


def _hottest(batch: Batch) -> Ints:
    """``(N,)`` where each transaction accesses the key that most operations write."""
    writers = np.zeros(int(batch.keys_NM.max()) + 2)
    np.add.at(writers, batch.keys_NM[batch.writes_NM], 1.0)
    writers[NO_KEY] = -1.0
    return np.asarray(writers[batch.keys_NM].argmax(axis=1), dtype=np.int64)
