"""First fit by price for speed, and scaling in two stages: a base from a forecast, and a reactive part.

Source: two-stage scaling as operators describe it, told in own words: the base is a moving mean of the cores asked
for, the reactive part what waits now.
"""

import numpy as np


class Policy:
    """The task's interface."""

    def __init__(self, config):
        self.capacity, self.posted, self.price = config["capacity"], config["posted"], config["price"]
        self.rng = np.random.default_rng(config["seed"])
        self.ran_sum, self.ran_num = np.full(config["groups"], 8.0), np.ones(config["groups"])
        self.base = np.zeros(2)

    def order(self, seen, waiting):
        """Weight over expected core-ticks, highest first."""
        mean = (self.ran_sum / self.ran_num)[seen["group"][waiting]]
        return waiting[np.argsort(-seen["weight"][waiting] / (mean * seen["demand"][waiting, 0]), kind="stable")]

    def choose(self, fits, free, count, demand):
        """The cheapest for its posted speed."""
        return fits[np.argmin(self.price[fits] / (self.capacity[fits, 0] * self.posted[fits]))]

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
        return {"place": place, "on": self.scale(place, demand)}

    def scale(self, place, demand):
        """A fifth more than the forecast, or all that is here now, on the machines cheapest for their speed."""
        now = demand.sum(axis=0)
        self.base = 0.95 * self.base + 0.05 * now
        need = np.maximum(1.2 * self.base, now)
        order = np.argsort(self.price / (self.capacity[:, 0] * self.posted), kind="stable")
        held = np.cumsum(self.capacity[order], axis=0)
        enough = int((held < need).any(axis=1).sum()) + 1
        on = np.zeros(len(order), dtype=bool)
        on[order[:enough]] = True
        on[place[place >= 0]] = True
        for row in np.flatnonzero(place < 0):  # some machine must be able to hold each
            holds = order[(self.capacity[order] >= demand[row]).all(axis=1)]
            on[holds[0]] |= not on[holds].any()
        return on
