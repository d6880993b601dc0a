"""Greedy like SMF over all that wait, but a slot of makespan may be paid for a longer or more contended transaction.

Source: after programs that public evolution runs on the ADRS task found (a weight times the length is subtracted from
the cost of a candidate, and long ones are preferred); written anew, with contention and weights of ours.
"""

import numpy as np

LENGTH = 0.5  # slots of end that a slot of length is worth
CONTENTION = 2.0  # and that conflicts with all that is left are worth
GROWTH = 1.0  # for each slot by which the makespan grows
NO_DELAY = -1_000_000


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        pass

    def order(self, batch: dict) -> np.ndarray:
        """The greedy order."""
        lengths, delays = batch["lengths"], batch["delays"]
        ready, end = batch["ready"].copy(), batch["makespan"]
        conflict = delays > NO_DELAY
        left, chosen = np.arange(len(lengths)), []
        while len(left):
            ends = ready[left] + lengths[left]
            contended = conflict[np.ix_(left, left)].mean(axis=1)
            growth = np.maximum(ends - end, 0)
            cost = ends + GROWTH * growth - LENGTH * lengths[left] - CONTENTION * contended
            place = int(cost.argmin())
            row = int(left[place])
            end = max(end, int(ends[place]))
            np.maximum(ready, ready[row] + delays[row], out=ready)
            chosen.append(row)
            left = np.delete(left, place)
        return np.array(chosen)
