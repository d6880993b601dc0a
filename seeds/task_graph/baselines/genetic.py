"""A population of plans, crossed at one point of the order and of the processors, mutated, the shortest kept.

Source: after Wang, Siegel, Roychowdhury and Maciejewski, "Task matching and scheduling in heterogeneous computing
environments using a genetic-algorithm-based approach", JPDC 47 (1997), with HEFT in the first population in place of
their baseline; tournaments in place of their roulette wheel.
"""

from bisect import insort

import numpy as np

STEPS = 800_000  # tasks and edges that are passed per graph
MEMBERS = 40
CROSSED = 0.5  # share of the children that have two parents


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface."""
    rng = np.random.default_rng(config["seed"])
    made = Schedule(graph)
    answer = heft(made, upward(made, *means(made))).answer()
    player = Player(made)
    first = (answer["processor"].tolist(), answer["order"].tolist())
    members = [first] + [mutated(player, first, rng, made.size // 4) for _ in range(MEMBERS - 1)]
    lengths = [max(player.play(*member)[1]) for member in members]
    for _ in range(STEPS // player.passes):
        one, other = (min(rng.integers(MEMBERS, size=2), key=lengths.__getitem__) for _ in range(2))
        child = crossed(members[one], members[other], rng) if rng.random() < CROSSED else members[one]
        child = mutated(player, child, rng, 1 + int(rng.integers(2)))
        length = max(player.play(*child)[1])
        worst = int(np.argmax(lengths))
        if length < lengths[worst] and length not in lengths:
            members[worst], lengths[worst] = child, length
    processor, order = members[int(np.argmin(lengths))]
    return {"processor": np.array(processor), "order": np.array(order)}


def crossed(one: tuple, other: tuple, rng: np.random.Generator) -> tuple:
    """The first part of one order, the rest as in the other; processors of tasks up to a number of the one."""
    point, number = int(rng.integers(len(one[0]))), int(rng.integers(len(one[0])))
    kept = one[1][:point]
    inside = set(kept)
    return one[0][:number] + other[0][number:], kept + [task for task in other[1] if task not in inside]


def mutated(player: "Player", plan: tuple, rng: np.random.Generator, count: int) -> tuple:
    """Some tasks put elsewhere."""
    processor, order = plan[0].copy(), plan[1]
    for _ in range(count):
        task = int(rng.integers(player.size))
        processor[task] = int(rng.choice(player.able[task]))
        order = player.moved(order, task, rng)
    return processor, order


class Schedule:
    """A schedule in the making, task by task."""

    def __init__(self, graph: dict) -> None:
        self.times = graph["times"]
        self.size, self.places = self.times.shape
        self.transfer = graph["latency"] + graph["data"][:, None, None] * graph["gap"]
        self.into, self.out_of = [[] for _ in range(self.size)], [[] for _ in range(self.size)]
        for edge, (source, target) in enumerate(zip(graph["sources"].tolist(), graph["targets"].tolist(), strict=True)):
            self.into[target].append((source, edge))
            self.out_of[source].append((target, edge))
        self.slots = [[] for _ in range(self.places)]  # of each processor, (start, end) in their order
        self.processor, self.start, self.end = np.zeros(self.size, dtype=int), np.zeros(self.size), np.zeros(self.size)

    def arrivals(self, task: int) -> np.ndarray:
        """(P,) when the task's data are on each processor."""
        found = np.zeros(self.places)
        for source, edge in self.into[task]:
            np.maximum(found, self.end[source] + self.transfer[edge, self.processor[source]], out=found)
        return found

    def begins(self, task: int) -> np.ndarray:
        """(P,) when it can begin on each processor, in a gap if it fits."""
        ready, lengths = self.arrivals(task).tolist(), self.times[task].tolist()
        return np.array([fit(*one) for one in zip(self.slots, ready, lengths, strict=True)])

    def put(self, task: int, place: int, begin: float) -> None:
        """The task runs there from then on."""
        self.processor[task], self.start[task], self.end[task] = place, begin, begin + self.times[task, place]
        insort(self.slots[place], (begin, self.end[task]))

    def answer(self) -> dict:
        """What the task asks for."""
        return {"processor": self.processor, "order": np.lexsort((np.arange(self.size), self.start))}


def means(schedule: Schedule) -> tuple:
    """Mean times of tasks, over processors that can run them, and of transfers, over pairs of processors."""
    able = np.isfinite(schedule.times)
    lengths = np.where(able, schedule.times, 0.0).sum(axis=1) / able.sum(axis=1)
    return lengths, schedule.transfer.sum(axis=(1, 2)) / max(schedule.places * (schedule.places - 1), 1)


def upward(schedule: Schedule, lengths: np.ndarray, transfers: np.ndarray) -> np.ndarray:
    """(N,) the longest path from each task to the end, itself included."""
    rank = lengths.copy()
    for task in reversed(range(schedule.size)):
        behind = [transfers[edge] + rank[target] for target, edge in schedule.out_of[task]]
        rank[task] += max(behind, default=0.0)
    return rank


def heft(made: Schedule, rank: np.ndarray) -> Schedule:
    """Highest rank first, each task to where it ends first."""
    for task in np.argsort(-rank, kind="stable").tolist():
        begins = made.begins(task)
        place = int((begins + made.times[task]).argmin())
        made.put(task, place, begins[place])
    return made


class Player:
    """Plays plans: the processor of each task, and an order of all."""

    def __init__(self, made: Schedule) -> None:
        self.size, self.places, self.into, self.out_of = made.size, made.places, made.into, made.out_of
        self.times, self.transfer = made.times.tolist(), made.transfer.tolist()
        self.able = [np.flatnonzero(np.isfinite(row)).tolist() for row in made.times]
        self.passes = max(made.size + len(made.transfer), 80)  # a small graph has its fixed costs too

    def play(self, processor: list, order: list) -> tuple:
        """When every task begins and ends."""
        free, start, end = [0.0] * self.places, [0.0] * self.size, [0.0] * self.size
        for task in order:
            place = processor[task]
            begin = free[place]
            for source, edge in self.into[task]:
                arrive = end[source] + self.transfer[edge][processor[source]][place]
                if arrive > begin:
                    begin = arrive
            start[task] = begin
            end[task] = free[place] = begin + self.times[task][place]
        return start, end

    def moved(self, order: list, task: int, rng: np.random.Generator) -> list:
        """The order with the task anywhere between those that it needs and those that need it."""
        place = order.index(task)
        needs, needed = {source for source, _ in self.into[task]}, {target for target, _ in self.out_of[task]}
        low, high = place, place
        while low > 0 and order[low - 1] not in needs:
            low -= 1
        while high < self.size - 1 and order[high + 1] not in needed:
            high += 1
        new = int(rng.integers(low, high + 1))
        rest = order[:place] + order[place + 1 :]
        return [*rest[:new], task, *rest[new:]]


def fit(slots: list, ready: float, length: float) -> float:
    """The earliest begin from `ready` on between the intervals of a processor."""
    for start, end in slots:
        if ready + length <= start:
            return ready
        ready = max(ready, end)
    return ready
