"""Insertion: transactions, the most contended first, are put one by one where the makespan of those placed is least.

Source: after NEH, Nawaz, Enscore and Ham, Omega 11 (1983), all places tried at once as in Taillard, EJOR 47 (1990).
"""

import numpy as np

NO_DELAY = -1_000_000


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        pass

    def order(self, batch: dict) -> np.ndarray:
        """The order built by insertion; of equally good places the last."""
        delays, placed = batch["delays"], []
        apart = np.where(delays > NO_DELAY, delays + delays.T, 0).sum(axis=1)
        for row in np.argsort(-apart, kind="stable").tolist():
            makespans = insertions(batch, placed, row)
            place = len(makespans) - 1 - int(makespans[::-1].argmin())
            placed.insert(place, row)
        return np.array(placed)


def starts(batch: dict, order: list) -> np.ndarray:
    """The slot in which each of the order starts."""
    ready, delays, found = batch["ready"].copy(), batch["delays"], np.zeros(len(order), dtype=np.int64)
    for place, row in enumerate(order):
        found[place] = start = ready[row]
        np.maximum(ready, delays[row] + start, out=ready)
    return found


def tails(batch: dict, order: list) -> np.ndarray:
    """Slots from the start of each of the order to the end of the last one that has to wait for it."""
    tail, delays, found = batch["lengths"].copy(), batch["delays"].T, np.zeros(len(order), dtype=np.int64)
    for place in range(len(order) - 1, -1, -1):
        row = order[place]
        found[place] = until = tail[row]
        np.maximum(tail, delays[row] + until, out=tail)
    return found


def insertions(batch: dict, rest: list, moved: int) -> np.ndarray:
    """Makespan with `moved` put in at each place of the order `rest`: the longest path goes through it or does not."""
    start, tail, delays = starts(batch, rest), tails(batch, rest), batch["delays"]
    before = np.concatenate([batch["ready"][[moved]], start + delays[rest, moved]])
    behind = np.concatenate([tail + delays[moved, rest], batch["lengths"][[moved]]])
    through = np.maximum.accumulate(before) + np.maximum.accumulate(behind[::-1])[::-1]
    return np.maximum(through, (start + tail).max(initial=0))
