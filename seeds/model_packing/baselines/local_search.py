"""Multi-start local search on the tightest GPU: the best move or swap of one of its parts, until none helps.

Starts: three orders (demand, size, both) placed where the room after is largest; all that has a home stays there at
first. From each start, rounds of a few random swaps and a new descent; the best placement is kept. Steps are counted,
not timed.

Source: the move-and-swap local search that the ADRS problem is commonly beaten with, after its description; textbook
iterated local search (Lourenco, Martin and Stuetzle, 2003).
"""

import numpy as np

STEPS_PER_START = 700
KICK_SWAPS = 3
SLACK_GB = 1e-9


def place(parts, memory_gb, budget_gb, seed):
    """The roomiest placement found from three starts."""
    state = Packing(parts, memory_gb, budget_gb)
    rng = np.random.default_rng(seed)
    size, demand = state.size, state.demand
    orders = (-demand, -size, -(size / size.mean() + demand / demand.mean()))
    best, best_room = first_fit(parts, memory_gb), -1.0
    for key in orders:
        start = state.greedy(np.argsort(key, kind="stable"))
        found = state.search(best if start is None else start, rng)
        if state.room(found) > best_room:
            best, best_room = found, state.room(found)
    return best


class Packing:
    """The cluster, and the search on it."""

    def __init__(self, parts, memory_gb, budget_gb):
        self.size, self.model, self.home = parts["size_gb"], parts["model"], parts["home"]
        self.demand = parts["rate"] / parts["slo"]
        self.memory, self.budget = memory_gb, budget_gb + SLACK_GB

    def rooms(self, gpu):
        """Of each GPU."""
        free = self.memory - np.bincount(gpu, self.size, len(self.memory))
        load = np.bincount(gpu, self.demand, len(self.memory))
        return np.maximum(free, 0.0) / np.maximum(load, 1e-12)

    def room(self, gpu):
        """Of the tightest GPU."""
        return self.rooms(gpu).min()

    def moved(self, gpu):
        """GB that left their home."""
        return self.size[(self.home >= 0) & (gpu != self.home)].sum()

    def greedy(self, order):
        """Homes kept, the rest in order to the GPU with the most room after; None if a part finds none."""
        gpu = self.home.copy()
        settled = gpu >= 0
        free = self.memory - np.bincount(gpu[settled], self.size[settled], len(self.memory))
        load = np.bincount(gpu[settled], self.demand[settled], len(self.memory))
        holds = self.holds(gpu)
        for part in order:
            if settled[part]:
                continue
            room = (free - self.size[part]) / (load + self.demand[part])
            room[holds[self.model[part]]] = -np.inf
            target = int(room.argmax())
            if room[target] < 0:
                return None
            gpu[part] = target
            free[target] -= self.size[part]
            load[target] += self.demand[part]
            holds[self.model[part], target] = True
        return gpu

    def holds(self, gpu):
        """Which GPU holds a part of which model."""
        held = np.zeros((self.model.max() + 1, len(self.memory)), dtype=bool)
        held[self.model[gpu >= 0], gpu[gpu >= 0]] = True
        return held

    def search(self, gpu, rng):
        """Descents with kicks between them; the best placement seen."""
        best, best_room, steps = gpu.copy(), self.room(gpu), STEPS_PER_START
        gpu = gpu.copy()
        while steps > 0:
            while steps > 0 and self.improve(gpu):
                steps -= 1
            steps -= 1
            if self.room(gpu) > best_room:
                best, best_room = gpu.copy(), self.room(gpu)
            else:
                gpu = best.copy()
            self.kick(gpu, rng)
        return best

    def kick(self, gpu, rng):
        """Random valid swaps, one of them on the tightest GPU."""
        worst = int(self.rooms(gpu).argmin())
        for turn in range(KICK_SWAPS):
            here = np.flatnonzero(gpu == worst) if turn == 0 else np.arange(len(gpu))
            for _ in range(20):
                one, other = int(rng.choice(here)), int(rng.integers(len(gpu)))
                if gpu[one] != gpu[other] and self.swap_is_valid(gpu, one, other):
                    gpu[one], gpu[other] = gpu[other], gpu[one]
                    break

    def swap_is_valid(self, gpu, one, other):
        """Whether two parts may change places."""
        trial = gpu.copy()
        trial[one], trial[other] = gpu[other], gpu[one]
        held = self.holds(gpu)
        free = self.memory - np.bincount(trial, self.size, len(self.memory))
        apart = not held[self.model[one], gpu[other]] and not held[self.model[other], gpu[one]]
        return apart and free.min() >= 0 and self.moved(trial) <= self.budget

    def improve(self, gpu):
        """The best move or swap that relieves the tightest GPU, done in place; whether there was one."""
        free = self.memory - np.bincount(gpu, self.size, len(self.memory))
        load = np.bincount(gpu, self.demand, len(self.memory))
        rooms = free / np.maximum(load, 1e-12)
        worst = int(rooms.argmin())
        mine, others = np.flatnonzero(gpu == worst), np.flatnonzero(gpu != worst)
        if not mine.size:
            return False
        held = self.holds(gpu)
        spare = self.budget - self.moved(gpu)
        move = self.move_rooms(gpu, mine, worst, free, load, held, spare)
        swap = self.swap_rooms(gpu, mine, others, worst, free, load, held, spare)
        best_move, best_swap = move.max(initial=-1.0), swap.max(initial=-1.0)
        if max(best_move, best_swap) <= rooms[worst] * (1 + 1e-9) + 1e-12:
            return False
        if best_move >= best_swap:
            row, target = np.unravel_index(move.argmax(), move.shape)
            gpu[mine[row]] = target
        else:
            row, column = np.unravel_index(swap.argmax(), swap.shape)
            one, other = mine[row], others[column]
            gpu[one], gpu[other] = gpu[other], gpu[one]
        return True

    def moving_gb(self, part, source, target):
        """GB by which the moved total grows if parts go from source to target."""
        has_home = self.home[part] >= 0
        return self.size[part] * has_home * ((self.home[part] == source) * 1.0 - (self.home[part] == target))

    def move_rooms(self, gpu, mine, worst, free, load, held, spare):
        """(parts here, GPUs) least room of the two GPUs after a move; -1 where it is not allowed."""
        size, demand = self.size[mine, None], self.demand[mine, None]
        left = (free[worst] + size) / np.maximum(load[worst] - demand, 1e-12)
        room = np.minimum(left, (free - size) / (load + demand))
        grows = self.moving_gb(mine[:, None], worst, np.arange(len(self.memory)))
        room[held[self.model[mine]] | (grows > spare) | (free < size)] = -1.0
        room[:, worst] = -1.0
        return room

    def swap_rooms(self, gpu, mine, others, worst, free, load, held, spare):
        """(parts here, parts elsewhere) the same for swaps."""
        target = gpu[others]
        size = self.size[others] - self.size[mine, None]
        demand = self.demand[others] - self.demand[mine, None]
        here = (free[worst] - size) / np.maximum(load[worst] + demand, 1e-12)
        there = (free[target] + size) / np.maximum(load[target] - demand, 1e-12)
        room = np.minimum(here, there)
        grows = self.moving_gb(mine[:, None], worst, target) + self.moving_gb(others, target, worst)
        together = held[self.model[mine]][:, target] | held[self.model[others], worst]
        room[together | (grows > spare) | (free[worst] < size) | (free[target] < -size)] = -1.0
        return room


def first_fit(parts, memory_gb):
    """Homes kept, the rest by falling size to the first GPU with memory: always valid."""
    size, model, gpu = parts["size_gb"], parts["model"], parts["home"].copy()
    settled = gpu >= 0
    free = memory_gb - np.bincount(gpu[settled], size[settled], len(memory_gb))
    holds = np.zeros((model.max() + 1, len(memory_gb)), dtype=bool)
    holds[model[settled], gpu[settled]] = True
    for part in np.argsort(-size, kind="stable"):
        if not settled[part]:
            gpu[part] = np.flatnonzero((free + SLACK_GB >= size[part]) & ~holds[model[part]])[0]
            free[gpu[part]] -= size[part]
            holds[model[part], gpu[part]] = True
    return gpu
