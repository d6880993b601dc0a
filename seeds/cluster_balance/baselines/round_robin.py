"""Round robin over a fleet that is always on: the rule that scores 0.

Source: the textbook rule; each waiting job, in order of arrival, goes to the next machine in turn that has room.
"""

import numpy as np


class Policy:
    """The task's interface."""

    def __init__(self, config):
        self.capacity = config["capacity"]
        self.turn = 0

    def step(self, seen):
        """Where each job runs, and which machines are on."""
        place = seen["machine"].copy()
        free = self.capacity * (1 + 5e-10)
        runs = place >= 0
        np.subtract.at(free, place[runs], seen["demand"][runs])
        machines = len(free)
        for row in np.flatnonzero(~runs):
            order = (self.turn + np.arange(machines)) % machines
            fits = order[(free[order] >= seen["demand"][row]).all(axis=1)]
            if len(fits):
                place[row] = fits[0]
                free[fits[0]] -= seen["demand"][row]
                self.turn = int(fits[0]) + 1
        return {"place": place, "on": np.ones(machines, dtype=bool)}
