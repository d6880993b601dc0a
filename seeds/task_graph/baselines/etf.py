"""Of all ready tasks and processors the pair that can begin first; of equals the task with the longest rest.

Source: ETF of Hwang, Chow, Anger and Lee, "Scheduling precedence graphs in systems with interprocessor communication
times", SIAM J. Computing 18 (1989); of processors on which it begins at once the fastest, as those differ here.
"""

from bisect import insort

import numpy as np


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface."""
    made = Schedule(graph)
    usual = np.array([np.median(row[np.isfinite(row)]) for row in made.times])
    level = upward(made, usual, np.zeros(len(made.transfer)))
    waits = [len(edges) for edges in made.into]
    ready = [task for task in range(made.size) if not waits[task]]
    arrive = {task: made.arrivals(task) for task in ready}
    while ready:
        free = np.array([slots[-1][1] if slots else 0.0 for slots in made.slots])
        begins = np.maximum(free, [arrive[task] for task in ready])
        begins = np.where(np.isfinite(made.times[ready]), begins, np.inf)
        rows, places = np.nonzero(begins <= begins.min())
        tasks = np.array(ready)[rows]
        best = int(np.lexsort((tasks, made.times[tasks, places], -level[tasks]))[0])
        row, place = int(rows[best]), int(places[best])
        task = ready.pop(row)
        made.put(task, place, begins[row, place])
        for target, _ in made.out_of[task]:
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
                arrive[target] = made.arrivals(target)
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

    def put(self, task: int, place: int, begin: float) -> None:
        """The task runs there from then on."""
        self.processor[task], self.start[task], self.end[task] = place, begin, begin + self.times[task, place]
        insort(self.slots[place], (begin, self.end[task]))

    def answer(self) -> dict:
        """What the task asks for."""
        return {"processor": self.processor, "order": np.lexsort((np.arange(self.size), self.start))}


def upward(schedule: Schedule, lengths: np.ndarray, transfers: np.ndarray) -> np.ndarray:
    """(N,) the longest path from each task to the end, itself included."""
    rank = lengths.copy()
    for task in reversed(range(schedule.size)):
        behind = [transfers[edge] + rank[target] for target, edge in schedule.out_of[task]]
        rank[task] += max(behind, default=0.0)
    return rank
