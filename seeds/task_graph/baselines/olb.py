"""Of all ready tasks the first, to the processor that is free first, however long it takes there.

Source: opportunistic load balancing of Braun et al., JPDC 61 (2001).
"""

from bisect import insort

import numpy as np


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface."""
    made = Schedule(graph)
    waits = [len(edges) for edges in made.into]
    ready = [task for task in range(made.size) if not waits[task]]
    arrive = {task: made.arrivals(task) for task in ready}
    while ready:
        free = np.array([slots[-1][1] if slots else 0.0 for slots in made.slots])
        begins = np.maximum(free, [arrive[task] for task in ready])
        row = min(range(len(ready)), key=ready.__getitem__)
        place = int(np.where(np.isfinite(made.times[ready[row]]), free, np.inf).argmin())
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
