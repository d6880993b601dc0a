"""Ranks are predicted costs times the number of children; each task to where its end plus what is behind it is least.

Source: after IPPTS of Djigal, Feng, Lu and Ge, "IPPTS: an efficient algorithm for scientific workflow scheduling in
heterogeneous computing systems", IEEE TPDS 32 (2021): predicted cost = own time + the worst child's least cost with its
time and transfer; rank = mean predicted cost times children, from the ready list; what is behind = predicted - own.
"""

from bisect import insort

import numpy as np


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface."""
    made = Schedule(graph)
    predicted = predictions(made, means(made)[1])
    able = np.isfinite(predicted)
    mean = np.where(able, predicted, 0.0).sum(axis=1) / able.sum(axis=1)
    rank = mean * np.array([max(len(edges), 1) for edges in made.out_of])
    waits = [len(edges) for edges in made.into]
    ready = [task for task in range(made.size) if not waits[task]]
    while ready:
        task = max(ready, key=lambda one: (rank[one], -one))
        ready.remove(task)
        begins = made.begins(task)
        able_here = np.isfinite(made.times[task])
        behind = np.where(able_here, predicted[task], 0.0) - np.where(able_here, made.times[task], 0.0)
        place = int((begins + made.times[task] + behind).argmin())
        made.put(task, place, begins[place])
        for target, _ in made.out_of[task]:
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    return made.answer()


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


def fit(slots: list, ready: float, length: float) -> float:
    """The earliest begin from `ready` on between the intervals of a processor."""
    for start, end in slots:
        if ready + length <= start:
            return ready
        ready = max(ready, end)
    return ready


def predictions(schedule: Schedule, transfers: np.ndarray) -> np.ndarray:
    """(N, P) what a task and the longest path behind it cost, every child on its best processor."""
    table, apart = schedule.times.copy(), 1.0 - np.eye(schedule.places)
    for task in reversed(range(schedule.size)):
        behind = np.zeros(schedule.places)
        for child, edge in schedule.out_of[task]:
            there = (table[child] + schedule.times[child])[None, :] + transfers[edge] * apart
            behind = np.maximum(behind, there.min(axis=1))
        table[task] += behind
    return table
