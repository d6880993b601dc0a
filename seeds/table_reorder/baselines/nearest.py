"""Always the row that can begin most like the one before: nearest neighbour.

The cells that a row was matched by stand first and stay; the order of the rest is open until the next row is chosen,
and then those in common with it come next. A row that agrees with all matched cells of the last one can go on with
any further cell in common; one that does not shares only what comes before the first difference.

Source: after the nearest-neighbour heuristic of the travelling salesman problem (Rosenkrantz, Stearns and Lewis 1977).
"""

import numpy as np


def reorder(table: dict) -> dict:
    """The task's interface."""
    values, lengths = table["values"], table["lengths"]
    rows, columns = values.shape
    plan, served, left = np.zeros((rows, columns), dtype=np.int64), [0], np.ones(rows, dtype=bool)
    row, fixed, left[0] = 0, np.zeros(0, dtype=np.int64), False
    while left.any():
        same = values == values[row]
        through = np.logical_and.accumulate(same[:, fixed], axis=1)
        tail = np.setdiff1d(np.arange(columns), fixed)
        shared = through @ lengths[row, fixed]
        reached = through[:, -1] if len(fixed) else np.ones(rows, dtype=bool)
        shared = shared + reached * (same[:, tail] @ lengths[row, tail])
        after = int(np.where(left, shared, -1).argmax())
        common = tail[same[after, tail]] if reached[after] else tail[:0]
        plan[row] = [*fixed, *common, *np.setdiff1d(tail, common)]
        fixed = plan[row, : int(np.logical_and.accumulate(same[after, plan[row]]).sum())]
        row, left[after] = after, False
        served.append(row)
    plan[row] = [*fixed, *np.setdiff1d(np.arange(columns), fixed)]
    return {"rows": np.array(served), "columns": plan}
