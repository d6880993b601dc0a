"""Layers without conflicts: the conflict graph is coloured greedily, and one colour is admitted after the other.

Source: Welsh and Powell, The Computer Journal 10 (1967), for the colouring by falling degree; as a schedule of
transactions, batches of conflict-free transactions are the textbook's idea. The largest layer goes first.
"""

import numpy as np

NO_DELAY = -1_000_000


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        pass

    def order(self, batch: dict) -> np.ndarray:
        """Rows colour by colour."""
        conflict = batch["delays"] > NO_DELAY
        colour = np.full(len(conflict), -1)
        for row in np.argsort(-conflict.sum(axis=1), kind="stable"):
            used = set(colour[conflict[row]].tolist())
            colour[row] = next(shade for shade in range(len(conflict)) if shade not in used)
        sizes = np.bincount(colour)
        return np.lexsort((-batch["lengths"], colour, -sizes[colour]))
