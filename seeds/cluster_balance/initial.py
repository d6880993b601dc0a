"""For a `Policy` that is made once and asked every tick: all of it stands between the markers.

Method: at first weighted shortest processing time by group means, on the machine of highest posted speed, and scaling
that keeps twice what is used; what machines turn out to do, prices and fit were at neutral values, to be turned.
"""

import numpy as np

# EVOLVE-BLOCK-START
TRUST = 200.0  # ended jobs that the posted speed is worth; large: it is believed
SHORT = 1.0  # exponent of the expected size in a job's rank
HEAVY = 1.0  # exponent of the weight
AGE = 0.0  # rank gained per tick of waiting
FAST = 1.0  # exponent of the speed in the choice of a machine
CHEAP = 0.0  # exponent of the price per core in it
TIGHT = 0.0  # for machines that the job leaves little room on
TARGET = 0.5  # share of the cores of those on that may be in use before another is switched on
PATIENCE = 20.0  # ticks that a machine stays on empty
SPARE = 1.0  # machines kept on beyond what is needed


def rank(weight, size, cores, age):
    """Waiting jobs with a high rank are placed first."""
    return weight**HEAVY / (size * cores) ** SHORT + AGE * age


def appeal(speed, price_per_core, left_share):
    """Of machines with room, the one of highest appeal gets the job."""
    return FAST * np.log(speed) - CHEAP * np.log(price_per_core) - TIGHT * left_share


def wanted_use(used, waiting, capacity):
    """Capacity that should be on, for the tighter resource."""
    return max((used + waiting) / TARGET / capacity)


class Policy:
    """The task's interface. Any other method may stand here."""

    def __init__(self, config):
        self.capacity = config["capacity"]
        self.price = config["price"] / self.capacity[:, 0]
        self.posted = config["posted"]
        self.boot = config["boot"]
        machines = len(self.posted)
        self.idle = np.zeros(machines)
        self.size_sum, self.size_num = np.full(config["groups"], 8.0), np.ones(config["groups"])
        self.ratio_sum, self.ratio_num = np.zeros(machines), np.zeros(machines)

    def speeds(self):
        """Posted speeds, drawn to what jobs that ended say."""
        return self.posted * np.exp(self.ratio_sum / (self.ratio_num + TRUST))

    def learn(self, seen):
        """Means of groups, and how much faster than posted each machine is, from the jobs that ended."""
        speed = self.speeds()
        for group, ran, machine in zip(seen["ended_group"], seen["ended_ran"], seen["ended_machine"], strict=True):
            mean = self.size_sum[group] / self.size_num[group]
            work = ran * speed[machine]
            self.ratio_sum[machine] += np.clip(np.log(mean / max(work, 0.1)), -1.0, 1.0)
            self.ratio_num[machine] += 1
            self.size_sum[group] += work
            self.size_num[group] += 1

    def step(self, seen):
        """Where each job runs, and which machines are on."""
        self.learn(seen)
        speed = self.speeds()
        place, demand = seen["machine"].copy(), seen["demand"]
        runs = place >= 0
        free = self.capacity * (1 + 5e-10)
        np.subtract.at(free, place[runs], demand[runs])
        ready = seen["boot"] == 0
        size = (self.size_sum / self.size_num)[seen["group"]]
        ranks = rank(seen["weight"], size, demand[:, 0], seen["age"])
        for row in sorted(np.flatnonzero(~runs), key=lambda j: -ranks[j]):
            fits = np.flatnonzero(ready & (free >= demand[row]).all(axis=1))
            if len(fits):
                left = ((free[fits] - demand[row]) / self.capacity[fits]).mean(axis=1)
                best = fits[np.argmax(appeal(speed[fits], self.price[fits], left))]
                place[row] = best
                free[best] -= demand[row]
        return {"place": place, "on": self.scale(place, demand, speed, seen["boot"])}

    def scale(self, place, demand, speed, boot):
        """Those in use, and the most appealing others as far as they are wanted."""
        used = demand[place >= 0].sum(axis=0)
        waiting = demand[place < 0].sum(axis=0)
        total = self.capacity.sum(axis=0)
        need = wanted_use(used, waiting, total)
        busy = np.zeros(len(boot), dtype=bool)
        busy[place[place >= 0]] = True
        self.idle = np.where(busy, 0, self.idle + 1)
        order = np.argsort(-(appeal(speed, self.price, 0.0) + 10.0 * busy + 0.3 * (boot >= 0)), kind="stable")
        share = np.cumsum((self.capacity / total).min(axis=1)[order])
        enough = int(np.searchsorted(share, need)) + 1 + round(SPARE)
        on = busy | ((boot >= 0) & (self.idle < PATIENCE))
        on[order[: max(enough, 1)]] = True
        for row in np.flatnonzero(place < 0)[:1]:  # a machine that can hold the oldest that waits
            holds = (self.capacity >= demand[row]).all(axis=1)
            if not (on & holds).any():
                on[np.flatnonzero(holds)[0]] = True
        return on


# EVOLVE-BLOCK-END
