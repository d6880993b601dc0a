"""Chunks of ready tasks: those whose data are on one processor stay there, up to a fair share; the others end first.

Source: after ILHA of Beaumont, Boudet and Robert, "A realistic model and an efficient heuristic for scheduling with
heterogeneous processors", HCW 2002; a fair share is here of the chunk's time, by the speeds of the processors.
"""

from bisect import insort

import numpy as np

CHUNK = 2  # ready tasks per processor that are looked at together


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface."""
    made = Schedule(graph)
    rank = upward(made, *means(made))
    able = np.isfinite(made.times)
    speed = np.array([(1.0 / made.times[able[:, place], place]).mean() if able[:, place].any() else 0.0
                      for place in range(made.places)])  # fmt: skip
    waits = [len(edges) for edges in made.into]
    ready = [task for task in range(made.size) if not waits[task]]
    while ready:
        ready.sort(key=lambda one: (-rank[one], one))
        chunk, ready = ready[: CHUNK * made.places], ready[CHUNK * made.places :]
        limit = np.where(able[chunk], made.times[chunk], 0.0).sum(axis=0) / max(speed.sum(), 1e-300) * speed
        taken, left = np.zeros(made.places), []
        for task in chunk:
            homes = {int(made.processor[source]) for source, _ in made.into[task]}
            home = homes.pop() if len(homes) == 1 else -1
            if home >= 0 and able[task, home] and taken[home] + made.times[task, home] <= limit[home]:
                taken[home] += made.times[task, home]
                made.put(task, home, made.begins(task)[home])
            else:
                left.append(task)
        for task in left:
            begins = made.begins(task)
            place = int((begins + made.times[task]).argmin())
            made.put(task, place, begins[place])
        for target in [target for task in chunk for target, _ in made.out_of[task]]:
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
