"""Everything on the one processor on which it takes least in all; what cannot run there goes to its fastest.

Source: none; what any schedule should beat, unless transfers cost more than they bring.
"""

import numpy as np


def schedule(graph: dict, config: dict) -> dict:
    """The task's interface."""
    times = graph["times"]
    fastest = times.min(axis=1, keepdims=True)
    place = int(np.where(np.isfinite(times), times, 10 * fastest).sum(axis=0).argmin())
    processor = np.where(np.isfinite(times[:, place]), place, times.argmin(axis=1))
    return {"processor": processor, "order": np.arange(len(times))}
