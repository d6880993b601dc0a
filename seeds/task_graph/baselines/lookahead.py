"""HEFT that tries each processor and looks where the children would end: the least of the latest child's ends decides.

Source: the lookahead variant of HEFT of Bittencourt, Sakellariou and Madeira, "DAG scheduling using a lookahead variant
of the heterogeneous earliest finish time algorithm", PDP 2010. Children are placed where they end first, one after the
other, as far as their needs are placed.
"""

from bisect import insort

import numpy as np


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface."""
    made = Schedule(graph)
    rank = upward(made, *means(made))
    for task in np.argsort(-rank, kind="stable").tolist():
        begins = made.begins(task)
        ends = begins + made.times[task]
        children = sorted((child for child, _ in made.out_of[task]), key=lambda one: -rank[one])
        cost = [(latest_child(made, task, place, begins[place], children), ends[place]) for place in able(made, task)]
        place = able(made, task)[cost.index(min(cost))]
        made.put(task, place, begins[place])
        made.placed[task] = True
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
        self.placed = np.zeros(self.size, dtype=bool)

    def arrivals(self, task: int) -> np.ndarray:
        """(P,) when the data of the needs that are placed are on each processor."""
        found = np.zeros(self.places)
        for source, edge in [one for one in self.into[task] if self.placed[one[0]]]:
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


def able(schedule: Schedule, task: int) -> list:
    """Processors on which it can run."""
    return np.flatnonzero(np.isfinite(schedule.times[task])).tolist()


def latest_child(schedule: Schedule, task: int, place: int, begin: float, children: list) -> float:
    """When the last child ends if the task is put there; its own end without children."""
    kept = [slots.copy() for slots in schedule.slots]
    schedule.put(task, place, begin)
    schedule.placed[task] = True
    latest = schedule.end[task]
    for child in children:
        begins = schedule.begins(child)
        ends = begins + schedule.times[child]
        there = int(ends.argmin())
        insort(schedule.slots[there], (begins[there], ends[there]))
        latest = max(latest, ends[there])
    schedule.slots, schedule.placed[task] = kept, False
    return float(latest)
