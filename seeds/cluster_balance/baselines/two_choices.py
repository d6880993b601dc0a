"""The less loaded of two random machines; all machines on.

Source: after Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 2001. Drawn among
machines with room, since none may be overfull.
"""

import numpy as np


class Policy:
    """The task's interface."""

    def __init__(self, config):
        self.capacity, self.posted, self.price = config["capacity"], config["posted"], config["price"]
        self.rng = np.random.default_rng(config["seed"])
        self.ran_sum, self.ran_num = np.full(config["groups"], 8.0), np.ones(config["groups"])

    def order(self, seen, waiting):
        """In order of arrival."""
        return waiting

    def choose(self, fits, free, count, demand):
        """Of two, the one with the larger share of room."""
        fits = self.rng.choice(fits, min(2, len(fits)), replace=False)
        left = (free[fits] - demand) / self.capacity[fits]
        return fits[np.argmax(left.min(axis=1))]

    def step(self, seen):
        """Where each job runs, and which machines are on."""
        np.add.at(self.ran_sum, seen["ended_group"], seen["ended_ran"])
        np.add.at(self.ran_num, seen["ended_group"], 1)
        place, demand = seen["machine"].copy(), seen["demand"]
        runs = place >= 0
        free, count = self.capacity * (1 + 5e-10), np.bincount(place[runs], minlength=len(self.capacity))
        np.subtract.at(free, place[runs], demand[runs])
        for row in self.order(seen, np.flatnonzero(~runs)):
            fits = np.flatnonzero((seen["boot"] == 0) & (free >= demand[row]).all(axis=1))
            if len(fits):
                best = self.choose(fits, free, count, demand[row])
                place[row] = best
                free[best] -= demand[row]
                count[best] += 1
        return {"place": place, "on": np.ones(len(free), dtype=bool)}
