"""One order of columns for all rows, built greedily: the next is the one that saves most per token given those before.

With the first columns chosen, rows that agree in all of them make a group; one more column saves each group all but
its different values. Taking the largest saving would put long texts first whatever their repetitions, so what counts is
the share of the column's tokens that is saved. Rows are sorted under the order.

Source: this project; a greedy choice as in decision trees (Quinlan 1986), with tokens in place of entropy.
"""

import numpy as np


def reorder(table: dict) -> dict:
    """The task's interface."""
    values, lengths = table["values"], table["lengths"]
    rows, columns = values.shape
    groups, order, left = np.zeros(rows, dtype=np.int64), [], list(range(columns))
    while left:
        shares = [saved(groups, values[:, one], lengths[:, one]) / lengths[:, one].sum() for one in left]
        order.append(left.pop(int(np.argmax(shares))))
        groups = split(groups, values[:, order[-1]])
    return {"rows": np.lexsort(values.T[order[::-1]]), "columns": np.tile(order, (rows, 1))}


def split(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The groups that agree in one more column."""
    return np.unique(groups * (values.max() + 1) + values, return_inverse=True)[1]


def saved(groups: np.ndarray, values: np.ndarray, lengths: np.ndarray) -> int:
    """Tokens of a column that stand in an earlier row of the same group."""
    first = np.unique(groups * (values.max() + 1) + values, return_index=True)[1]
    return int(lengths.sum() - lengths[first].sum())
