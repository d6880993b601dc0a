"""Simulated annealing over insertions, from shortest makespan first: a worse place is taken with falling probability.

Source: Kirkpatrick, Gelatt and Vecchi, Science 220 (1983), with the insertion moves of `insertion_climb.py`; a place is
drawn by its makespan at the temperature of the moment, and the best order met is returned.
"""

import numpy as np

STEPS = 160_000  # rows passed per batch, all calls together: a third of the CPU limit
MOVE = 20  # what a move costs besides, in rows
WARM = 0.6  # slots, the temperature at first
COLD = 0.05  # and at the end


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        self.rng = np.random.default_rng(config["seed"])
        self.calls = -(-config["transactions"] // config["admit"])

    def order(self, batch: dict) -> np.ndarray:
        """The best order met."""
        order = greedy(batch)
        best_order, best = order, (starts(batch, order) + batch["lengths"][order]).max()
        moves = STEPS // self.calls // (len(order) + MOVE)
        for move in range(moves):
            temperature = WARM * (COLD / WARM) ** (move / moves)
            moved = order[int(self.rng.integers(len(order)))]
            rest = [row for row in order if row != moved]
            makespans = insertions(batch, rest, moved)
            weights = np.exp((makespans.min() - makespans) / temperature)
            place = int(self.rng.choice(len(makespans), p=weights / weights.sum()))
            order = [*rest[:place], moved, *rest[place:]]
            if makespans[place] <= best:
                best_order, best = order, makespans[place]
        return np.array(best_order)


def greedy(batch: dict) -> list:
    """Shortest makespan first over all that wait."""
    ready, end = batch["ready"].copy(), batch["makespan"]
    left, chosen = np.arange(len(batch["lengths"])), []
    while len(left):
        ends = ready[left] + batch["lengths"][left]
        place = int(np.lexsort((ends, np.maximum(ends, end)))[0])
        row = int(left[place])
        end = max(end, int(ends[place]))
        np.maximum(ready, ready[row] + batch["delays"][row], out=ready)
        chosen.append(row)
        left = np.delete(left, place)
    return chosen


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
