"""Tasks in the order of their numbers, each behind the last task of the processor on which it then ends first.

Source: none; list scheduling (Graham 1969) in an order that means nothing, by earliest finish. The weak baseline.
"""

import numpy as np


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface."""
    times, sources, targets = graph["times"], graph["sources"], graph["targets"]
    transfer = graph["latency"] + graph["data"][:, None, None] * graph["gap"]
    processor, end, free = np.zeros(len(times), dtype=int), np.zeros(len(times)), np.zeros(times.shape[1])
    for task in range(len(times)):
        edges = np.flatnonzero(targets == task)
        arrive = end[sources[edges], None] + transfer[edges, processor[sources[edges]]]
        ends = np.maximum(free, arrive.max(axis=0, initial=0.0)) + times[task]
        place = int(ends.argmin())
        processor[task], end[task] = place, ends[place]
        free[place] = ends[place]
    return {"processor": processor, "order": np.arange(len(times))}
