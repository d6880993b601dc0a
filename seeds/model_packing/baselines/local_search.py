"""Local search from three greedy starts: the best move or swap of a part on the tightest GPU, until none helps.

Source: the move-and-swap descent that the ADRS problem "prism" is commonly improved with, after its description. The
starts are those of `three_orders`; what has a home starts there, and no more leaves it than the budget allows.
"""

import numpy as np

MOST_CELLS = 2_000_000  # moves and swaps looked at: the search ends before the time limit
SLACK_GB = 1e-9
NONE = -1e30


def place(parts, memory_gb, budget_gb, seed):
    """The best of the three placements."""
    cluster = Cluster(parts, memory_gb, budget_gb)
    placements = [Placement(cluster, gpu) for gpu in cluster.starts()]
    for placement in placements:
        placement.descend()
    return max(placements, key=Placement.least).gpu


class Cluster:
    """What does not change during the search."""

    def __init__(self, parts, memory, budget):
        self.size, self.model, self.home = parts["size_gb"], parts["model"], parts["home"]
        self.demand, self.memory, self.budget = parts["rate"] / parts["slo"], memory, budget + SLACK_GB
        self.by_size = np.argsort(-self.size, kind="stable")
        self.cells = 0

    def starts(self):
        """Greedy placements in three orders, or first fit for one that fails."""
        keys = self.demand, self.size, self.size / self.size.mean() + self.demand / self.demand.mean()
        found = [self.greedy(np.argsort(-key, kind="stable"), 0.0) for key in keys]
        return [self.greedy(self.by_size, None) if gpu is None else gpu for gpu in found]

    def greedy(self, order, room):
        """Homes kept, the rest in order to the GPU with the most room after, or to the first one where room is None."""
        placement = Placement(self, self.home)
        for part in order:
            if placement.gpu[part] >= 0:
                continue
            free, load = placement.free - self.size[part], placement.load + self.demand[part]
            fits = (free >= -SLACK_GB) & ~placement.held[self.model[part]]
            if not fits.any():
                return None
            value = -np.arange(len(free)) if room is None else free / load
            placement.put(part, int(np.where(fits, value, NONE).argmax()))
        return placement.gpu


class Placement:
    """Where parts are, and what follows from it."""

    def __init__(self, cluster, gpu):
        self.cluster, self.gpu = cluster, np.full(len(gpu), -1)
        self.free, self.load, self.moved = cluster.memory.copy(), np.zeros(len(cluster.memory)), 0.0
        self.held = np.zeros((cluster.model.max() + 1, len(cluster.memory)), dtype=bool)
        for part in np.flatnonzero(gpu >= 0):
            self.put(part, gpu[part])

    def put(self, part, gpu):
        """Place or move a part."""
        cluster, before = self.cluster, self.gpu[part]
        size, demand, model, home = cluster.size[part], cluster.demand[part], cluster.model[part], cluster.home[part]
        if before >= 0:
            self.free[before] += size
            self.load[before] -= demand
            self.held[model, before] = False
        if home >= 0:
            self.moved += size * (int(gpu != home) - int(before >= 0 and before != home))
        self.free[gpu] -= size
        self.load[gpu] += demand
        self.held[model, gpu] = True
        self.gpu[part] = gpu

    def least(self):
        """Room of the tightest GPU."""
        return (np.maximum(self.free, 0.0) / np.maximum(self.load, 1e-12)).min()

    def swap(self, one, other):
        """Exchange two parts."""
        here, there = self.gpu[one], self.gpu[other]
        self.put(one, there)
        self.put(other, here)

    def descend(self):
        """Steps as long as one gains."""
        while self.cluster.cells <= MOST_CELLS and self.step():
            pass

    def step(self):
        """The move or swap that leaves the most room on both GPUs; False if none leaves more than there is."""
        cluster, gpu, free, load = self.cluster, self.gpu, self.free, self.load
        rooms = free / np.maximum(load, 1e-12)
        worst = int(rooms.argmin())
        mine, gpus = np.flatnonzero(gpu == worst), np.arange(len(free))
        if not mine.size:
            return False
        cluster.cells += len(mine) * (len(gpu) + len(free)) + 2000
        # Columns: the other party is every part (a swap), then nothing on every GPU (a move).
        size, demand = np.append(cluster.size, 0.0 * free), np.append(cluster.demand, 0.0 * free)
        target = np.append(gpu, gpus)
        more, hotter = size - cluster.size[mine, None], demand - cluster.demand[mine, None]
        here_gb, there_gb = free[worst] - more, free[target] + more
        here = here_gb / np.maximum(load[worst] + hotter, 1e-12)
        there = there_gb / np.maximum(load[target] - hotter, 1e-12)
        allowed = (here_gb >= 0) & (there_gb >= 0) & (target != worst) & ~self.held[cluster.model[mine]][:, target]
        allowed[:, : len(gpu)] &= ~self.held[cluster.model, worst]
        grows = 0.0
        if cluster.budget > 2 * SLACK_GB:
            grows = self.growth(mine[:, None], worst, target)
            grows[:, : len(gpu)] += self.growth(np.arange(len(gpu)), gpu, worst)
            allowed &= self.moved + grows <= cluster.budget
        elif (cluster.home >= 0).any():
            allowed[:, : len(gpu)] &= cluster.home < 0
            allowed &= cluster.home[mine, None] < 0
        better = allowed & (np.minimum(here, there) > rooms[worst] * (1 + 1e-9) + 1e-12)
        if not better.any():
            return False
        value = np.minimum(here, there)
        row, column = np.unravel_index(np.where(better, value, NONE).argmax(), better.shape)
        if column < len(gpu):
            self.swap(mine[row], column)
        else:
            self.put(mine[row], column - len(gpu))
        return True

    def growth(self, part, source, target):
        """GB by which what left its home grows when parts go from source to target."""
        cluster = self.cluster
        home = cluster.home[part]
        return cluster.size[part] * (home >= 0) * ((home == source) * 1.0 - (home == target))
