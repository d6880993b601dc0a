"""Groups of tasks that do not need one another, in HEFT's order; each group is placed anew until no move shortens it.

Source: after the hybrid heuristic of Sakellariou and Zhao, "A hybrid heuristic for DAG scheduling on heterogeneous
systems", HCW 2004: groups by upward rank, in each the balanced minimum completion time of independent tasks.
"""

from bisect import insort

import numpy as np

MOVES = 20  # of a group, at most


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface."""
    made = Schedule(graph)
    rank = upward(made, *means(made))
    for group in groups(made, rank):
        arrive = {task: made.arrivals(task) for task in group}
        free = np.array([slots[-1][1] if slots else 0.0 for slots in made.slots])
        places = {task: int(made.times[task].argmin()) for task in group}
        ends = {place: run(made, group, places, arrive, free, place)[0] for place in range(made.places)}
        for _ in range(MOVES):
            busiest = max(ends, key=ends.__getitem__)
            better = None
            for task in [one for one in group if places[one] == busiest]:
                for place in np.flatnonzero(np.isfinite(made.times[task])).tolist():
                    if place == busiest:
                        continue
                    tried = {**places, task: place}
                    two = [run(made, group, tried, arrive, free, one)[0] for one in (busiest, place)]
                    if max(two) < (better[0] if better else ends[busiest]):
                        better = max(two), tried, {busiest: two[0], place: two[1]}
            if better is None:
                break
            places, ends = better[1], {**ends, **better[2]}
        for place in range(made.places):
            for task, begin in run(made, group, places, arrive, free, place)[1]:
                made.put(task, place, begin)
    return made.answer()


def groups(made: "Schedule", rank: np.ndarray) -> list:
    """Runs of the order by rank in which no task needs another."""
    found, group = [], []
    for task in np.argsort(-rank, kind="stable").tolist():
        if any(source in group for source, _ in made.into[task]):
            found.append(group)
            group = []
        group.append(task)
    return [*found, group]


def run(made: "Schedule", group: list, places: dict, arrive: dict, free: np.ndarray, place: int) -> tuple:
    """When a processor is done with its tasks of the group, those with the earliest data first; and their begins."""
    end, begins = free[place], []
    for task in sorted((one for one in group if places[one] == place), key=lambda one: arrive[one][place]):
        begin = max(end, arrive[task][place])
        begins.append((task, begin))
        end = begin + made.times[task, place]
    return (end if begins else 0.0), begins


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
        """(P,) when it can begin on each processor, behind the last task there."""
        free = [slots[-1][1] if slots else 0.0 for slots in self.slots]
        return np.maximum(self.arrivals(task), free)

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
