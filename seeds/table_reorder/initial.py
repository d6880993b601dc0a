"""Around the EVOLVE-BLOCK: greedy group recursion, polishing and dealing, for a `reorder` that calls `grouped`.

Method: GGR (Liu et al., "Optimizing LLM Queries in Relational Data Analytics Workloads", MLSys 2025), as in
`baselines/ggr.py`: the cell with the largest squared length times repetitions picks a group of rows, which starts with
it and with what follows from it; the group is arranged in the same way without these columns, then the other rows.
Each further idea had weight zero at first, to be turned.
"""

import numpy as np

Array = np.ndarray
CELLS = 30_000_000  # cells that polishing may look at per table: what keeps any choice of constants in the CPU limit

# EVOLVE-BLOCK-START
POWER = 2.0  # of a cell's tokens
REPEATS = 1.0  # power of the rows beside the first that have the cell
FOLLOWING = 1.0  # weight of the cells that follow from it by functional dependencies
RIVALS = 0.0  # against cells whose rows have other cells that are good for them, as a share of those
BLOCKS = 0.0  # tokens taken off each cell, in blocks of the cache
COMMON = 0.0  # above 0: what all rows of a group have in common follows at once
POLISH = 0.0  # times that each row is taken out and put where it shares most
DEAL = 0.0  # share of the prompts in flight over which the order is dealt out, in stretches that are served in turn


def cell_score(tokens: Array, following: Array, repeats: Array, rivals: Array) -> Array:
    """How much each cell should pick the next group; all arrays are of the cells that occur twice or more.

    `following` are the powered tokens that follow from the cell, `repeats` the rows beside the first, and `rivals` the
    sum over its rows of the best score per row of their other cells.
    """
    return (tokens + FOLLOWING * following) * repeats**REPEATS - RIVALS * rivals


def value(tokens: Array, block: int) -> Array:
    """What a cell of so many tokens is worth, per repetition."""
    return np.maximum(tokens - BLOCKS * block, 0.1) ** POWER


def hands(in_flight: int, rows: int) -> float:
    """In how many stretches the order is cut; the first of each are served, then the second of each, and so on."""
    return 1 + DEAL * (in_flight - 1)


def reorder(table: dict) -> dict:
    """The task's interface: the order of the rows, and of the columns of each. Any other method may stand here."""
    return grouped(table)


# EVOLVE-BLOCK-END


def grouped(table: dict) -> dict:
    """Groups arranged one inside the other, polished, and dealt out."""
    values, lengths = table["values"], table["lengths"]
    rows, columns = values.shape
    first = np.concatenate([[0], np.cumsum(values.max(axis=0) + 1)[:-1]])
    world = {"cells": values + first, "lengths": lengths, "block": table["block"], "follows": implied(values)}
    plan = np.zeros((rows, columns), dtype=np.int64)
    arrange(world, np.arange(rows), np.arange(columns), [], plan)
    passes = min(max(float(np.nan_to_num(POLISH)), 0.0), 100.0)
    moves = min(int(passes * rows), CELLS // (rows * columns))
    polish(world, plan, np.random.default_rng(table["seed"]), moves)
    served = np.lexsort(np.take_along_axis(world["cells"], plan, axis=1).T[::-1])
    return {"rows": dealt(served, table["in_flight"]), "columns": plan}


def implied(values: Array) -> Array:
    """[a, b]: whether column b follows from column a: each value of a has one value of b."""
    size = values.max(axis=0) + 1
    pairs = [[len(np.unique(a * size[j] + b)) for j, b in enumerate(values.T)] for a in values.T]
    return (np.array(pairs) == size[:, None]) & ~np.eye(len(size), dtype=bool)


def arrange(world: dict, rows: Array, columns: Array, prefix: list, plan: Array) -> None:
    """Write the plan of these rows, which start with the columns of `prefix` and have `columns` left."""
    if len(columns) and len(rows) > 1:
        there = np.ix_(rows, columns)
        worth, follows = value(world["lengths"][there], world["block"]), world["follows"][np.ix_(columns, columns)]
        ids, index, local = np.unique(world["cells"][there], return_index=True, return_inverse=True)
        local = local.reshape(len(rows), -1)
        counts, tokens, following = np.bincount(local.ravel()), worth.ravel()[index], (worth @ follows.T).ravel()[index]
        left = np.ones(len(rows), dtype=bool)
        while (counts > 1).any():
            again = np.flatnonzero(counts > 1)
            repeats = counts[again] - 1.0
            rival = (
                rivals(local[left], (tokens + following) * (counts - 1) / np.maximum(counts, 1))[again]
                if RIVALS
                else 0.0 * repeats
            )
            scores = np.nan_to_num(cell_score(tokens[again], following[again], repeats, rival))
            cell = int(again[np.broadcast_to(scores, again.shape).argmax()])
            column = int(index[cell] % len(columns))
            members = np.flatnonzero(left & (local[:, column] == cell))
            same = (local[members] == local[members[0]]).all(axis=0)
            taken = np.flatnonzero(same if COMMON > 0 else same & follows[column])
            taken = [column, *taken[taken != column]]
            arrange(world, rows[members], np.delete(columns, taken), [*prefix, *columns[taken]], plan)
            counts -= np.bincount(local[members].ravel(), minlength=len(ids))
            left[members] = False
        rows = rows[left]
    if len(rows):
        plan[rows] = [*prefix, *columns]


def rivals(local: Array, per_row: Array) -> Array:
    """Per cell: the sum over its rows of the best of their other cells."""
    scores = per_row[local]
    if scores.shape[1] < 2:
        return np.zeros(len(per_row))
    top = np.sort(scores, axis=1)[:, -2:]
    other = np.where(scores == top[:, 1:], top[:, :1], top[:, 1:])
    return np.bincount(local.ravel(), other.ravel(), minlength=len(per_row))


def polish(world: dict, plan: Array, rng: np.random.Generator, moves: int) -> None:
    """Rows one by one put beside the row with which they can share most, if that is more than they share now.

    What a row shares with no other may be written in any order: the cells in common with the one that comes come first.
    """
    cells, lengths, (rows, columns) = world["cells"], world["lengths"], plan.shape
    ordered, sizes = np.take_along_axis(cells, plan, axis=1), np.take_along_axis(lengths, plan, axis=1)
    shared = shared_depths(ordered) if moves else np.zeros(rows, dtype=np.int64)
    places, queue = np.arange(columns), np.zeros(0, dtype=np.int64)
    for _ in range(moves):
        queue = queue if len(queue) else rng.permutation(rows)
        row, queue = int(queue[0]), queue[1:]
        now = sizes[row] @ np.logical_and.accumulate(ordered == ordered[row], axis=1).T
        now[row] = 0
        agree = ordered == cells[row][plan]
        through = np.logical_and.accumulate(agree | (places >= shared[:, None]), axis=1)
        offers = (agree & through) * sizes
        offer = offers.sum(axis=1)
        offer[row] = -1
        host = int(offer.argmax())
        if offer[host] < now.max() + 1:
            continue
        common = agree[host] & through[host]
        order = np.concatenate([plan[host][common], plan[host][~common]])
        for one in (host, row):
            plan[one] = order
            ordered[one], sizes[one] = cells[one][order], lengths[one][order]
        shared[row] = common.sum()
        shared[host] = max(shared[host], shared[row])


def shared_depths(ordered: Array) -> Array:
    """Leading cells of each row that another row has too."""
    depths, prefix = np.zeros(len(ordered), dtype=np.int64), np.zeros(len(ordered), dtype=np.int64)
    for cells in ordered.T:
        _, prefix, counts = np.unique(prefix * (ordered.max() + 1) + cells, return_inverse=True, return_counts=True)
        depths += counts[prefix] > 1
    return depths


def dealt(order: Array, in_flight: int) -> Array:
    """The order cut into stretches, which are served in turn."""
    number = float(np.nan_to_num(hands(in_flight, len(order))))
    stretches = np.array_split(order, int(min(max(round(number), 1), len(order))))
    return order[np.argsort(np.concatenate([np.arange(len(stretch)) for stretch in stretches]), kind="stable")]
