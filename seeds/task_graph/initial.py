"""Around the EVOLVE-BLOCK: list schedules, the best of some, a polish, for a `schedule` that calls `best_of_builds`.

Method: at first HEFT (Topcuoglu, Hariri and Wu, IEEE TPDS 13, 2002): of the tasks whose needs are placed, the one with
the longest mean path to the end is next, and goes to the processor on which it ends first, in a gap if it fits. Each
further idea was at its neutral value.
"""

import numpy as np

Array = np.ndarray
STEPS = 500_000  # tasks and edges that may be passed per graph, builds and moves together
BUILD = 12  # what a build costs, in passes

# EVOLVE-BLOCK-START
PATH = 1.0  # for tasks with a long mean path to the end
PASSED = 0.0  # for those with a long mean path from the beginning to them
HOPE = 0.0  # for those with a long path to the end on the best processors
FANOUT = 0.0  # for those that many others need, in mean times
SPREAD = 0.0  # for those whose times differ much from processor to processor
FASTEST = 0.0  # 1: paths are of the fastest times, 0: of mean times
LINKS = 1.0  # share of the transfers that counts in paths
END = 1.0  # for each processor: against ending late
AHEAD = 0.0  # against a long rest of the path, on the best processors from there
BEGIN = 0.0  # against beginning late
WASTE = 0.0  # against taking longer than on the fastest
FETCH = 0.0  # against data that come from elsewhere, in time of their transfer
GAPS = 1.0  # 1: gaps between tasks are used, 0: only the time behind the last
TRIES = 1.0  # how many schedules are built, the shortest being taken
NOISE = 0.1  # by how much priorities are spread in those after the first
SWITCH = 0.0  # share of these that also look at the rest of the path, at a weight that is drawn
POLISH = 0.0  # times that each task is moved elsewhere, as far as the steps last, if no longer schedule comes of it
CRITICAL = 0.0  # share of these moves that take a task that nothing could delay, instead of any
STAY = 0.0  # share of these moves that change the order only


def priority(path: Array, passed: Array, hope: Array, fanout: Array, spread: Array) -> Array:
    """How much each task should be next; all arrays are times, of all tasks."""
    return PATH * path + PASSED * passed + HOPE * hope + FANOUT * fanout + SPREAD * spread


def place_cost(ends: Array, begins: Array, ahead: Array, waste: Array, fetch: Array) -> Array:
    """Which processor a task goes to, the least first; all arrays are times, of all processors."""
    return END * ends + AHEAD * ahead + BEGIN * begins + WASTE * waste + FETCH * fetch


def length_of(fastest: Array, mean: Array) -> Array:
    """What a task counts in paths."""
    return FASTEST * fastest + (1.0 - FASTEST) * mean


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface. Any other method may stand here."""
    return best_of_builds(Facts(graph), config)


# EVOLVE-BLOCK-END


class Facts:
    """What is asked again and again of a graph."""

    def __init__(self, graph: dict) -> None:
        self.times, self.sources, self.targets = graph["times"], graph["sources"], graph["targets"]
        self.size, self.places = self.times.shape
        self.transfer = graph["latency"] + graph["data"][:, None, None] * graph["gap"]
        pairs = max(self.places * (self.places - 1), 1)
        self.mean_transfer = self.transfer.sum(axis=(1, 2)) / pairs
        able = np.isfinite(self.times)
        self.mean = np.where(able, self.times, 0.0).sum(axis=1) / able.sum(axis=1)
        self.spread = np.sqrt(
            (np.where(able, self.times - self.mean[:, None], 0.0) ** 2).sum(axis=1) / able.sum(axis=1)
        )
        self.fastest = self.times.min(axis=1)
        self.into, self.out_of = [[] for _ in range(self.size)], [[] for _ in range(self.size)]
        for edge, (source, target) in enumerate(zip(self.sources.tolist(), self.targets.tolist(), strict=True)):
            self.into[target].append((source, edge))
            self.out_of[source].append((target, edge))
        self.passes = max(self.size + len(self.sources), 64)  # a small graph has its fixed costs too

    def ahead(self) -> Array:
        """(N, P) the longest path behind each task on each processor, everything on its best processor."""
        found = np.zeros((self.size, self.places))
        for task in reversed(range(self.size)):
            for target, edge in self.out_of[task]:
                there = (self.transfer[edge] + (found[target] + self.times[target])[None, :]).min(axis=1)
                found[task] = np.maximum(found[task], there)
        return found

    def paths(self, length: Array, links: float) -> tuple:
        """The longest path from each task to the end, itself included, and from the beginning to it."""
        onward, passed = length.copy(), np.zeros(self.size)
        for task in reversed(range(self.size)):
            behind = [links * self.mean_transfer[edge] + onward[target] for target, edge in self.out_of[task]]
            onward[task] += max(behind, default=0.0)
        for task in range(self.size):
            before = [passed[s] + length[s] + links * self.mean_transfer[edge] for s, edge in self.into[task]]
            passed[task] = max(before, default=0.0)
        return onward, passed


def best_of_builds(facts: Facts, config: dict) -> dict:
    """The shortest of the schedules that are built, then polished as far as the steps last."""
    rng = np.random.default_rng(config["seed"])
    ahead = facts.ahead()
    path, passed = facts.paths(finite(length_of(facts.fastest, facts.mean), facts.mean), bounded(LINKS, -9.0, 9.0))
    hope = np.where(np.isfinite(facts.times), ahead, 0.0).sum(axis=1) / np.isfinite(facts.times).sum(axis=1)
    fanout = facts.mean.mean() * np.array([float(len(edges)) for edges in facts.out_of])
    wish = finite(priority(path, passed, hope, fanout, facts.spread), facts.mean)
    steps = STEPS
    best, shortest = None, np.inf
    for turn in range(int(bounded(TRIES, 1.0, 1000.0))):
        steps -= BUILD * facts.passes
        if turn and steps < 0:
            break
        noise = rng.lognormal(0.0, bounded(NOISE, 0.0, 9.0), facts.size) if turn else 1.0
        extra = rng.uniform(0.0, 1.0) if turn and rng.random() < SWITCH else 0.0
        plan, length = build(facts, wish * noise, ahead, extra)
        if length < shortest:
            best, shortest = plan, length
    moves = int(min(max(steps, 0) // facts.passes, bounded(POLISH, 0.0, 1e4) * facts.size))
    processor, order = polish(facts, best, moves, rng) if moves else best
    return {"processor": np.array(processor), "order": np.array(order)}


def build(facts: Facts, wish: Array, ahead: Array, extra: float) -> tuple:
    """Tasks one by one, the one most wished for of those whose needs are placed; the plan and its makespan."""
    slots = [[] for _ in range(facts.places)]  # of each processor, (start, end) in their order
    processor, start, end = [0] * facts.size, np.zeros(facts.size), [0.0] * facts.size
    waits = [len(edges) for edges in facts.into]
    ready = [task for task in range(facts.size) if not waits[task]]
    for _ in range(facts.size):
        task = max(ready, key=lambda one: (wish[one], -one))
        ready.remove(task)
        arrive, fetch = arrivals(facts, task, processor, end)
        begins = np.array([fit(slots[p], arrive[p], facts.times[task, p]) for p in range(facts.places)])
        ends = begins + facts.times[task]
        there = np.flatnonzero(np.isfinite(ends))
        cost = place_cost(
            ends[there], begins[there], ahead[task, there], facts.times[task, there] - facts.fastest[task], fetch[there]
        )
        place = int(there[finite(cost + extra * ahead[task, there], ends[there]).argmin()])
        processor[task], start[task], end[task] = place, begins[place], float(ends[place])
        slots[place].append((start[task], end[task]))
        slots[place].sort()
        for target, _ in facts.out_of[task]:
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    order = np.lexsort((np.arange(facts.size), start)).tolist()
    return (processor, order), max(end)


def arrivals(facts: Facts, task: int, processor: list, end: list) -> tuple:
    """(P,) when the task's data are on each processor, and the time that they travel there, added up."""
    arrive, fetch = np.zeros(facts.places), np.zeros(facts.places)
    for source, edge in facts.into[task]:
        travel = facts.transfer[edge, processor[source]]
        arrive = np.maximum(arrive, end[source] + travel)
        fetch = fetch + travel
    return arrive, fetch


def fit(slots: list, ready: float, length: float) -> float:
    """When a task can begin on a processor."""
    if GAPS <= 0.5:
        return max(ready, slots[-1][1]) if slots else ready
    for start, end in slots:
        if ready + length <= start:
            return ready
        ready = max(ready, end)
    return ready


def polish(facts: Facts, plan: tuple, moves: int, rng: np.random.Generator) -> tuple:
    """Single tasks put elsewhere, in the order or on another processor, as long as the makespan does not grow."""
    processor, order = plan[0].copy(), plan[1].copy()
    able = [np.flatnonzero(np.isfinite(row)).tolist() for row in facts.times]
    times, transfer = facts.times.tolist(), facts.transfer.tolist()
    start, end = play(facts, times, transfer, processor, order)
    shortest = max(end)
    for _ in range(moves):
        task = int(rng.integers(facts.size))
        if rng.random() < CRITICAL:
            task = blocking(facts, transfer, processor, order, start, end, rng)
        old, place = processor[task], order.index(task)
        if rng.random() >= STAY:
            processor[task] = able[task][int(rng.integers(len(able[task])))]
        tried = moved(facts, order, task, place, rng)
        begins, ends = play(facts, times, transfer, processor, tried)
        length = max(ends)
        if length <= shortest:
            order, start, end, shortest = tried, begins, ends, length
        else:
            processor[task] = old
    return processor, order


def blocking(facts: Facts, transfer: list, processor: list, order: list, start: list, end: list, rng) -> int:
    """A task on a chain of tasks, each of which begins when the one before lets it, up to the end of the schedule."""
    before = {}
    last = [None] * facts.places
    for task in order:
        before[task], last[processor[task]] = last[processor[task]], task
    chain, task = [], int(np.argmax(end))
    while task is not None:
        chain.append(task)
        ahead = before[task]
        behind = None if ahead is None or end[ahead] < start[task] else ahead
        for source, edge in facts.into[task]:
            if end[source] + transfer[edge][processor[source]][processor[task]] >= start[task]:
                behind = source
        task = behind if start[task] > 0 else None
    return chain[int(rng.integers(len(chain)))]


def moved(facts: Facts, order: list, task: int, place: int, rng: np.random.Generator) -> list:
    """The order with the task at another place between those that it needs and those that need it."""
    needs, needed = {source for source, _ in facts.into[task]}, {target for target, _ in facts.out_of[task]}
    low, high = place, place
    while low > 0 and order[low - 1] not in needs:
        low -= 1
    while high < len(order) - 1 and order[high + 1] not in needed:
        high += 1
    new = int(rng.integers(low, high + 1))
    rest = order[:place] + order[place + 1 :]
    return [*rest[:new], task, *rest[new:]]


def play(facts: Facts, times: list, transfer: list, processor: list, order: list) -> tuple:
    """When every task begins and ends."""
    free = [0.0] * facts.places
    start, end = [0.0] * facts.size, [0.0] * facts.size
    for task in order:
        place = processor[task]
        begin = free[place]
        for source, edge in facts.into[task]:
            arrive = end[source] + transfer[edge][processor[source]][place]
            if arrive > begin:
                begin = arrive
        start[task] = begin
        end[task] = free[place] = begin + times[task][place]
    return start, end


def finite(values: Array, otherwise: Array) -> Array:
    """The values with all that are no numbers replaced."""
    values = np.broadcast_to(np.asarray(values, dtype=float), np.shape(otherwise))
    return np.where(np.isfinite(values), values, otherwise)


def bounded(value: float, low: float, high: float) -> float:
    """The value within limits."""
    return float(min(max(np.nan_to_num(value), low), high))
