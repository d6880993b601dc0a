"""Ruin and recreate: a block of the order is taken out, and its transactions are put back one by one where best.

Source: Schrimpf et al., J. Comput. Phys. 159 (2000); public evolution runs on the ADRS task ended at such kicks too. It
starts from the order of `insertion.py`.
"""

import numpy as np

STEPS = 160_000  # rows passed per batch, all calls together: a third of the CPU limit
MOVE = 20  # what a move costs besides, in rows
NO_DELAY = -1_000_000
BLOCK = 5  # transactions taken out at a time


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        self.rng = np.random.default_rng(config["seed"])
        self.calls = -(-config["transactions"] // config["admit"])

    def order(self, batch: dict) -> np.ndarray:
        """The order after all ruins that did no harm."""
        order = inserted(batch)
        best = (starts(batch, order) + batch["lengths"][order]).max()
        moves = STEPS // self.calls // (len(order) + MOVE) - len(order) // 2  # without those of the insertion
        for _ in range(moves // BLOCK):
            first = int(self.rng.integers(max(1, len(order) - BLOCK + 1)))
            out = order[first : first + BLOCK]
            tried = order[:first] + order[first + BLOCK :]
            for row in self.rng.permutation(out).tolist():
                makespans = insertions(batch, tried, row)
                least = makespans.min()
                tried.insert(int(self.rng.choice(np.flatnonzero(makespans == least))), row)
            if least <= best:
                order, best = tried, least
        return np.array(order)


def inserted(batch: dict) -> list:
    """The most contended first, each put where the makespan of those placed is least; see `insertion.py`."""
    delays, placed = batch["delays"], []
    apart = np.where(delays > NO_DELAY, delays + delays.T, 0).sum(axis=1)
    for row in np.argsort(-apart, kind="stable").tolist():
        makespans = insertions(batch, placed, row)
        placed.insert(len(makespans) - 1 - int(makespans[::-1].argmin()), row)
    return placed


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
