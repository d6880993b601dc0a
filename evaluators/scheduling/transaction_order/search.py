"""A long search for a good order: the best known makespan that results may be compared with. It is no bound.

Taking a transaction out of an order and trying all places for it costs one pass over the order. Without it, let `s` be
the start of each transaction and `t` the slots from its start to the end of what follows from it. Put in at a place,
the transaction starts at the largest ``s + delay`` of those before, what follows from it takes the largest
``delay + t`` of those behind, and the makespan is their sum or that without the transaction: every longest path goes
through it or does not.

Source: after the acceleration of insertion moves in flow shops, Taillard, EJOR 47 (1990); here with delays of pairs.

Shapes: N transactions, R = N - 1 without the one that is moved, N places.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.scheduling.transaction_order.admission import makespan
from evaluators.scheduling.transaction_order.batch import NO_DELAY, Batch, Ints

MOST_OUT = 5  # transactions taken out at a time


def best_found(batch: Batch, moves: int) -> int:
    """The least makespan met in so many insertions, from the better of a greedy order and one built by insertion.

    In each round one to five transactions that follow one another are taken out, and put back one by one where the
    makespan is least; the new order is kept if it is no longer.
    """
    rng = np.random.default_rng(0)
    order = min(greedy_order(batch), inserted_order(batch), key=lambda one: makespan(batch, one))
    best = makespan(batch, order)
    while moves > 0 and batch.size > 1:
        first, count = int(rng.integers(batch.size)), int(rng.integers(1, MOST_OUT + 1))
        out, tried = order[first : first + count], order[:first] + order[first + count :]
        for moved in rng.permutation(out).tolist():
            makespans_N = insertion_makespans(batch, tried, moved)
            tried.insert(int(rng.choice(np.flatnonzero(makespans_N == makespans_N.min()))), moved)
        moves -= len(out)
        if int(makespans_N.min()) <= best:
            order, best = tried, int(makespans_N.min())
    return best


def inserted_order(batch: Batch) -> list[int]:
    """The transactions that keep others apart most first, each put where the makespan of those placed is least."""
    apart_N = np.where(batch.delays_NN > NO_DELAY, batch.delays_NN + batch.delays_NN.T, 0).sum(axis=1)
    order: list[int] = []
    for row in np.argsort(-apart_N, kind="stable").tolist():
        makespans_N = insertion_makespans(batch, order, row)
        order.insert(len(order) - int(makespans_N[::-1].argmin()), row)
    return order


def greedy_order(batch: Batch) -> list[int]:
    """Always the transaction with which the makespan grows least, of those the one that ends first."""
    ready_N, left_N = np.zeros(batch.size, dtype=np.int64), np.ones(batch.size, dtype=np.bool_)
    order: list[int] = []
    end = 0
    for _ in range(batch.size):
        rows = np.flatnonzero(left_N)
        ends = ready_N[rows] + batch.lengths_N[rows]
        row = int(rows[np.lexsort((ends, np.maximum(ends, end)))[0]])
        end = max(end, int(ends[rows == row][0]))
        np.maximum(ready_N, ready_N[row] + batch.delays_NN[row], out=ready_N)
        left_N[row] = False
        order.append(row)
    return order


def insertion_makespans(batch: Batch, rest: Sequence[int], moved: int) -> Ints:
    """``(N,)`` the makespan of the order `rest` with `moved` put in at each place, from the first to the last."""
    starts_R, tails_R = _starts(batch, rest), _tails(batch, rest)
    rows = np.asarray(rest, dtype=np.int64)
    before_N = np.maximum.accumulate(np.concatenate([[0], starts_R + batch.delays_NN[rows, moved]]))
    behind = np.concatenate([tails_R + batch.delays_NN[moved, rows], [batch.lengths_N[moved]]])
    behind_N = np.maximum.accumulate(behind[::-1])[::-1]
    without = int((starts_R + tails_R).max(initial=0))
    return np.asarray(np.maximum(before_N + behind_N, without), dtype=np.int64)


def _starts(batch: Batch, order: Sequence[int]) -> Ints:
    ready_N = np.zeros(batch.size, dtype=np.int64)
    starts = []
    for row in order:
        start = int(ready_N[row])
        starts.append(start)
        np.maximum(ready_N, start + batch.delays_NN[row], out=ready_N)
    return np.array(starts, dtype=np.int64)


def _tails(batch: Batch, order: Sequence[int]) -> Ints:
    tail_N = batch.lengths_N.copy()
    tails = []
    for row in reversed(order):
        tail = int(tail_N[row])
        tails.append(tail)
        np.maximum(tail_N, tail + batch.delays_NN[:, row], out=tail_N)
    return np.array(tails[::-1], dtype=np.int64)
