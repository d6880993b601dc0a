"""Columns that would save most tokens if they stood first, first; rows sorted under that order.

A column alone saves each of its values all but once. That is its mean length times its repetitions.

Source: after the ordering by table statistics to which the recursion of Liu et al., "Optimizing LLM Queries in
Relational Data Analytics Workloads" (MLSys 2025), falls back.
"""

import numpy as np


def reorder(table: dict) -> dict:
    """The task's interface."""
    values, lengths, rows = table["values"], table["lengths"], len(table["values"])
    saved = [
        sizes.sum() - sizes[np.unique(one, return_index=True)[1]].sum()
        for one, sizes in zip(values.T, lengths.T, strict=True)
    ]
    order = np.argsort(-np.array(saved), kind="stable")
    return {"rows": np.lexsort(values.T[order[::-1]]), "columns": np.tile(order, (rows, 1))}
