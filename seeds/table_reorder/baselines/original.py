"""The table as it is.

Source: none: the trivial policy. It is the weak baseline of the task: score 0.
"""

import numpy as np


def reorder(table: dict) -> dict:
    """The task's interface."""
    rows, columns = table["values"].shape
    return {"rows": np.arange(rows), "columns": np.tile(np.arange(columns), (rows, 1))}
