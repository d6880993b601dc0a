"""The longest path becomes a cluster, again and again; clusters go to processors by their work, tasks by their rank.

Source: after linear clustering of Kim and Browne, ICPP 1988, with clusters mapped to where they end first when they are
added up, the largest first.
"""

from bisect import insort

import numpy as np


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface."""
    made = Schedule(graph)
    lengths, transfers = means(made)
    load, chosen = np.zeros(made.places), np.zeros(made.size, dtype=int)
    clusters = sorted(paths(made, lengths, transfers), key=lambda tasks: -lengths[tasks].sum())
    for tasks in clusters:
        times = np.where(np.isfinite(made.times[tasks]), made.times[tasks], 0.0).sum(axis=0)
        unable = np.isinf(made.times[tasks]).sum(axis=0)
        place = int(np.lexsort((load + times, unable))[0])
        for task in tasks:
            chosen[task] = place if np.isfinite(made.times[task, place]) else int(made.times[task].argmin())
            load[chosen[task]] += made.times[task, chosen[task]]
    for task in np.argsort(-upward(made, lengths, transfers), kind="stable").tolist():
        made.put(task, chosen[task], made.begins(task)[chosen[task]])
    return made.answer()


def paths(made: "Schedule", lengths: np.ndarray, transfers: np.ndarray) -> list:
    """Paths that cover all tasks: the longest of what is left, one after the other."""
    left, found = np.ones(made.size, dtype=bool), []
    while left.any():
        best, onward = np.full(made.size, -np.inf), np.full(made.size, -1)
        for task in reversed(np.flatnonzero(left).tolist()):
            best[task] = lengths[task]
            for target, edge in made.out_of[task]:
                if left[target] and lengths[task] + transfers[edge] + best[target] > best[task]:
                    best[task], onward[task] = lengths[task] + transfers[edge] + best[target], target
        path = [int(best.argmax())]
        while onward[path[-1]] >= 0:
            path.append(int(onward[path[-1]]))
        left[path] = False
        found.append(path)
    return found


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


def fit(slots: list, ready: float, length: float) -> float:
    """The earliest begin from `ready` on between the intervals of a processor."""
    for start, end in slots:
        if ready + length <= start:
            return ready
        ready = max(ready, end)
    return ready
