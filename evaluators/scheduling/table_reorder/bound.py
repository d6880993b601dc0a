"""How many tokens no plan can find in any cache.

Give every row an order of its columns, and call two rows alike at x if they begin with the same cells over x tokens or
more. That is an equivalence, and rows alike at x have cells of x tokens or more in common. A row that finds x tokens or
more is alike at x to one served before it, so of each class the first does not; nor do the first k rows, if k are in
flight. So of N rows at most ``N - max(k, classes)`` find x tokens. Rows of which no two have cells of x tokens in
common are in classes of their own, so the number of classes is at least that of any such set. The sum over all x is a
bound; with blocks only their multiples count.

Shapes: N rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluators.scheduling.table_reorder.table import Ints, Table

MOST_LEVELS = 40  # lengths at which sets are sought; between two of them the shorter's number holds
NEAR_ENOUGH = 2e-3  # of all tokens: what further levels could still take off, when no more are sought


def most_found(table: Table, block: int, in_flight: int) -> int:
    """Tokens of the table that at most are found, whatever the plan, with a cache of any size."""
    shared_NN = shared_tokens(table) // block
    np.fill_diagonal(shared_NN, 0)
    top = int(shared_NN.max(initial=0))
    if top == 0:
        return 0
    enough = NEAR_ENOUGH * table.tokens / block

    def finding(level: int) -> int:
        return table.num_rows - max(in_flight, apart(shared_NN >= level))

    counts = {1: finding(1), top: finding(top), top + 1: 0}
    while len(counts) < MOST_LEVELS:
        levels = np.array(sorted(counts))
        rest = np.diff(levels) - 1
        areas = rest * -np.diff(_falling(counts))
        widest = int(areas.argmax())
        if areas[widest] <= 0 or areas.sum() <= enough:
            break
        level = int(levels[widest] + (rest[widest] + 1) // 2)
        counts[level] = finding(level)
    return block * int((np.diff(sorted(counts)) * _falling(counts)[:-1]).sum())


def shared_tokens(table: Table) -> npt.NDArray[np.int32]:
    """``(N, N)`` tokens of the cells that two rows have in common, wherever they are."""
    shared_NN = np.zeros((table.num_rows, table.num_rows), dtype=np.int32)
    for values_N, lengths_N in zip(table.values_NC.T, table.lengths_NC.T.astype(np.int32), strict=True):
        shared_NN += (values_N[:, None] == values_N[None, :]) * lengths_N[:, None]
    return shared_NN


def apart(alike_NN: npt.NDArray[np.bool_]) -> int:
    """The size of a set of rows of which no two are alike; those with few alike are taken first."""
    free_N = np.ones(len(alike_NN), dtype=np.bool_)
    count = 0
    for row in np.argsort(alike_NN.sum(axis=1), kind="stable").tolist():
        if free_N[row]:
            count += 1
            free_N &= ~alike_NN[row]
    return count


def _falling(counts: dict[int, int]) -> Ints:
    """The numbers by level; what holds for a length holds for every longer one."""
    return np.minimum.accumulate(np.array([max(counts[level], 0) for level in sorted(counts)]))
