"""Bottom up: the two groups of rows whose common cells are longest are merged, until one is left.

A tree of groups is a plan: each group begins with the cells that all its rows have in common, and inside it each part
goes on with what its own rows have in common besides. Every merge saves the common cells of the merged group once, so
the tokens found are the sum over all merges, and the longest is taken first. Groups that are each other's nearest are
found by a chain of nearest neighbours. With blocks, full blocks count first.

Source: this project; agglomerative clustering with the chain of Murtagh, Computer Journal 26 (1983).
"""

import numpy as np


def reorder(table: dict) -> dict:
    """The task's interface."""
    values, lengths = table["values"].copy(), table["lengths"].astype(np.float64)
    tree = merged(values, lengths, table["block"])
    return written(table, tree)


def merged(values: np.ndarray, lengths: np.ndarray, block: int) -> list:
    """The merges as pairs of groups: rows are groups 0 .. N - 1, the m-th merge is group N + m."""
    rows = len(values)
    names, alive, chain, merges = np.arange(rows), np.ones(rows, dtype=bool), [], []
    while len(merges) < rows - 1:
        if not chain:
            chain = [int(alive.argmax())]
        group = chain[-1]
        common = (values == values[group]) @ lengths[group]
        common += common // block * 1e6
        common[~alive], common[group] = -1.0, -1.0
        nearest = int(common.argmax())
        if len(chain) > 1 and common[chain[-2]] >= common[nearest]:
            nearest = chain[-2]
            del chain[-2:]
            merges.append((int(names[nearest]), int(names[group])))
            apart = values[nearest] != values[group]
            values[nearest, apart], lengths[nearest, apart] = -1, 0.0
            names[nearest], alive[group] = rows + len(merges) - 1, False
        else:
            chain.append(nearest)
    return merges


def written(table: dict, merges: list) -> dict:
    """The plan of a tree: groups begin with their common cells, and stand together."""
    values, (rows, columns) = table["values"], table["values"].shape
    common = np.ones((rows + len(merges), columns), dtype=bool)
    sample = np.concatenate([np.arange(rows), np.zeros(len(merges), dtype=np.int64)])
    for group, (one, other) in enumerate(merges, start=rows):
        sample[group] = sample[one]
        common[group] = common[one] & common[other] & (values[sample[one]] == values[sample[other]])
    plan, served = np.zeros((rows, columns), dtype=np.int64), []
    waiting = [(rows + len(merges) - 1, [])]
    while waiting:
        group, prefix = waiting.pop()
        prefix = prefix + [one for one in np.flatnonzero(common[group]).tolist() if one not in prefix]
        if group < rows:
            plan[group] = prefix
            served.append(group)
        else:
            waiting += [(part, prefix) for part in merges[group - rows]]
    return {"rows": np.array(served), "columns": plan}
