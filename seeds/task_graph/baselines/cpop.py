"""The tasks of the longest path go to the one processor that is best for all of them; others to where they end first.

Source: CPOP of Topcuoglu, Hariri and Wu, IEEE TPDS 13 (2002). If no processor can run all of the path, one
that can run most of it is taken.
"""

from bisect import insort

import numpy as np


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface."""
    made = Schedule(graph)
    lengths, transfers = means(made)
    rank = upward(made, lengths, transfers)
    both = rank + downward(made, lengths, transfers)
    path = critical_path(made, both)
    of_path = made.times[path]
    able = np.isfinite(of_path).sum(axis=0)
    cost = np.where(able == able.max(), np.where(np.isfinite(of_path), of_path, 0.0).sum(axis=0), np.inf)
    chosen, on_path = int(cost.argmin()), set(path)
    waits = [len(edges) for edges in made.into]
    ready = [task for task in range(made.size) if not waits[task]]
    while ready:
        task = max(ready, key=lambda one: (both[one], -one))
        ready.remove(task)
        begins = made.begins(task)
        place = int((begins + made.times[task]).argmin())
        if task in on_path and np.isfinite(made.times[task, chosen]):
            place = chosen
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


def downward(schedule: Schedule, lengths: np.ndarray, transfers: np.ndarray) -> np.ndarray:
    """(N,) the longest path from the beginning to each task, itself left out."""
    rank = np.zeros(schedule.size)
    for task in range(schedule.size):
        before = [rank[source] + lengths[source] + transfers[edge] for source, edge in schedule.into[task]]
        rank[task] = max(before, default=0.0)
    return rank


def critical_path(schedule: Schedule, both: np.ndarray) -> list:
    """Tasks of the longest path, from one without needs on."""
    task = max((one for one in range(schedule.size) if not schedule.into[one]), key=both.__getitem__)
    path = [task]
    while schedule.out_of[task]:
        task = max((target for target, _ in schedule.out_of[task]), key=both.__getitem__)
        path.append(task)
    return path
