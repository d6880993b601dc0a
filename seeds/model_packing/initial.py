"""Around the EVOLVE-BLOCK: greedy placement, a short local search and kicks, for a `place` that calls `searched`.

Method: parts in falling order of a key, each to the GPU of highest value; then, step by step, the best move or swap of
a part on the tightest GPU (the seed and the usual next step of the ADRS problem "prism"). What has a home starts there.
Two ideas (SNUG, MOVE_PRICE) were at their neutral value at first, to be turned. `searched` keeps every placement valid
and ends the search before the time limit.

Units: GB; demand is rate / slo; room is GB per demand.
"""

import numpy as np

# EVOLVE-BLOCK-START
TRIES = 1  # greedy placements, for rooms to reach that rise evenly up to AIM; the best one goes on
AIM = 0.6  # of the room that there would be if all memory were shared
ORDER = 0.5  # how much of what demand would take at that room counts in the order, beside the size
SNUG = 0.0  # how much a GPU is preferred that the room to reach would leave little of
STEPS = 3  # of local search until a kick
KICKS = 2  # how often the best placement is disturbed and searched again
KICK_SWAPS = 2  # random swaps of a kick
KICK_RETURNS = 1  # parts that a kick sends home before
MOVE_PRICE = 0.0  # of the gain, for a move that takes the whole budget


def order_key(size, demand, room):
    """Parts are placed in falling order of it."""
    return size + ORDER * room * demand


def gpu_value(free, load, memory, room):
    """Of each GPU for a part; free and load are what they would be with the part on it."""
    left = free - room * load
    return free / load - SNUG * left / memory * (left > 0)


def gain(here, there, tightest, bound):
    """Of a move or swap; here and there are the rooms it would make on the tightest GPU and on the other one."""
    return np.minimum(here, there) - tightest


def place(parts, memory_gb, budget_gb, seed):
    """The task's interface: the GPU of each part. Any other method may stand here."""
    return searched(parts, memory_gb, budget_gb, seed)


# EVOLVE-BLOCK-END

MOST_CELLS = 2_000_000  # moves and swaps looked at
SLACK_GB = 1e-9
NONE = -1e30


def searched(parts, memory_gb, budget_gb, seed):
    """The best placement after greedy starts, local search and kicks."""
    cluster = Cluster(parts, memory_gb, budget_gb)
    rng = np.random.default_rng(seed)
    best = Placement(cluster, cluster.start())
    best.descend()
    for _ in range(max(int(KICKS), 0)):
        if cluster.cells > MOST_CELLS:
            break
        trial = Placement(cluster, best.gpu)
        trial.kick(rng)
        trial.descend()
        if trial.least() >= best.least():
            best = trial
    return best.gpu


class Cluster:
    """What does not change during the search."""

    def __init__(self, parts, memory, budget):
        self.size, self.model, self.home = parts["size_gb"], parts["model"], parts["home"]
        self.demand, self.memory, self.budget = parts["rate"] / parts["slo"], memory, budget + SLACK_GB
        self.bound = max((memory.sum() - self.size.sum()) / self.demand.sum(), 1e-9)
        self.by_size = np.argsort(-self.size, kind="stable")
        self.cells = 0

    def start(self):
        """The best of the greedy placements, or first fit."""
        found = [self.greedy(self.by_size, None)]
        for room in AIM * self.bound * np.linspace(1.0, 0.0, max(int(TRIES), 1), endpoint=False):
            keys = np.nan_to_num(order_key(self.size, self.demand, room) + 0.0 * self.size)
            placed = self.greedy(np.argsort(-keys, kind="stable"), room)
            found += [] if placed is None else [placed]
        return max(found, key=lambda gpu: Placement(self, gpu).least())

    def greedy(self, order, room):
        """Homes kept, the rest in order to the GPU of most value, or to the first one where room is None."""
        placement = Placement(self, self.home)
        for part in order:
            if placement.gpu[part] >= 0:
                continue
            free, load = placement.free - self.size[part], placement.load + self.demand[part]
            fits = (free >= -SLACK_GB) & ~placement.held[self.model[part]]
            if not fits.any():
                return None
            value = -np.arange(len(free)) if room is None else gpu_value(free, load, self.memory, room)
            placement.put(part, int(np.where(fits, np.nan_to_num(value), NONE).argmax()))
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
        for _ in range(max(int(STEPS), 0)):
            if self.cluster.cells > MOST_CELLS or not self.step():
                break

    def kick(self, rng):
        """Send some parts home, then swap some at random."""
        away = np.flatnonzero((self.cluster.home >= 0) & (self.gpu != self.cluster.home))
        for part in rng.permutation(away)[: max(int(KICK_RETURNS), 0)]:
            home = self.cluster.home[part]
            if self.free[home] >= self.cluster.size[part] and not self.held[self.cluster.model[part], home]:
                self.put(part, home)
        for _ in range(max(int(KICK_SWAPS), 0)):
            self.random_swap(rng)

    def random_swap(self, rng):
        """Swap a part of the tightest GPU with any other, if a swap that is valid is soon found."""
        worst = int((self.free / np.maximum(self.load, 1e-12)).argmin())
        here, model, before = np.flatnonzero(self.gpu == worst), self.cluster.model, self.moved
        for _ in range(10):
            self.cluster.cells += 500
            one, other = rng.choice(here), rng.integers(len(self.gpu))
            there = self.gpu[other]
            if there == worst or self.held[model[one], there] or self.held[model[other], worst]:
                continue
            self.swap(one, other)
            if min(self.free[worst], self.free[there]) >= 0 and self.moved <= max(self.cluster.budget, before):
                return
            self.swap(other, one)

    def step(self):
        """The move or swap of most gain; False if there is none."""
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
        value = gain(here, there, rooms[worst], cluster.bound)
        value = np.nan_to_num(value - MOVE_PRICE * cluster.bound * grows / cluster.budget)
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
