"""Shortest makespan first over all transactions: always the one with which the makespan grows least.

Source: after SMF, Cheng et al., "Towards Optimal Transaction Scheduling", VLDB 2024, which looks at a small sample at
each step; here at all that wait. Ties go to the transaction that ends first, then to the older one.
"""

import numpy as np


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        pass

    def order(self, batch: dict) -> np.ndarray:
        """The greedy order."""
        lengths, delays = batch["lengths"], batch["delays"]
        ready, end = batch["ready"].copy(), batch["makespan"]
        left, chosen = np.arange(len(lengths)), []
        while len(left):
            ends = ready[left] + lengths[left]
            place = int(np.lexsort((ends, np.maximum(ends, end)))[0])
            row = int(left[place])
            end = max(end, int(ends[place]))
            np.maximum(ready, ready[row] + delays[row], out=ready)
            chosen.append(row)
            left = np.delete(left, place)
        return np.array(chosen)
