"""Least attained service with levels: those that ran least run, others are preempted; all machines on.

Source: after foreground-background scheduling, and its discretised form in Tiresias (Gu et al., "Tiresias: A GPU
Cluster Manager for Distributed Deep Learning", NSDI 2019). Levels double in weighted core-ticks, so that jobs seldom
change places; within a level jobs that run go first, then in order of arrival. Its profiles of placement are left
out.
"""

import numpy as np

FIRST = 32.0  # core-ticks per weight of the lowest level


class Policy:
    """The task's interface."""

    def __init__(self, config):
        self.capacity, self.posted = config["capacity"], config["posted"]

    def step(self, seen):
        """Where each job runs, and which machines are on."""
        demand, machine = seen["demand"], seen["machine"]
        service = seen["ran"] * demand[:, 0] / seen["weight"]
        level = np.floor(np.log2(np.maximum(service / FIRST, 1.0)))
        place, free = np.full(len(machine), -1), self.capacity * (1 + 5e-10)
        for row in np.lexsort((np.arange(len(machine)), machine < 0, level)):
            fits = (free >= demand[row]).all(axis=1)
            if machine[row] >= 0 and fits[machine[row]]:
                place[row] = machine[row]
            elif fits.any():
                place[row] = np.argmax(np.where(fits, self.posted, -np.inf))
            if place[row] >= 0:
                free[place[row]] -= demand[row]
        return {"place": place, "on": np.ones(len(free), dtype=bool)}
