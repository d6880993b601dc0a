"""Greedy in each of several equal slices of the time, with a share of the work due at the end of each.

Spot whenever it is there, else wait, until the slice has no more time to lose; then on demand until its share is done.
Work done beyond a share counts for the next slice.

Source: the time-sliced policy of Wu et al., "Can't Be Late: Optimizing Spot Instance Savings under Deadlines", NSDI
2024; the number of slices is ours.
"""

import math

IDLE, SPOT, ON_DEMAND = 0, 1, 2
NUM_SLICES = 8


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        self.config = config

    def step(self, tick: int, done: int, mode: int, region: int, pending: int, available: list) -> tuple:
        """The greedy choice as long as the slice can still be met by starting on demand in the next tick."""
        work, deadline, overhead = self.config["work"], self.config["deadline"], self.config["overhead"]
        length = deadline / NUM_SLICES
        end = length * (math.floor(tick / length) + 1)
        due = work * end / deadline - done
        if due > 0 and end - tick - 1 < due + overhead:
            return ON_DEMAND, region
        return (SPOT if available[region] else IDLE), region
