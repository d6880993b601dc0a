"""Bottom-up clusters, dealt out for an engine that serves several prompts at a time.

As `clusters.py`; then the order is cut into as many stretches as prompts are in flight, which are served in turn: so
the neighbour of each prompt has just ended when it begins, and only the first of each stretch finds nothing.

Source: this project.
"""

import numpy as np


def reorder(table: dict) -> dict:
    """The task's interface."""
    values, lengths = table["values"].copy(), table["lengths"].astype(np.float64)
    tree = merged(values, lengths, table["block"])
    plan = written(table, tree)
    return {"rows": dealt(plan["rows"], table["in_flight"]), "columns": plan["columns"]}


def dealt(order: np.ndarray, hands: int) -> np.ndarray:
    """The first of each stretch, the second of each, and so on; the longer stretches first."""
    stretches = np.array_split(order, min(hands, len(order)))
    turns = np.concatenate([np.arange(len(stretch)) for stretch in stretches])
    return order[np.argsort(turns, kind="stable")]


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
