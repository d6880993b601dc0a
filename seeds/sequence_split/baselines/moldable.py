"""Guess the step's time T; every sequence gets the fewest shards with which it ends by T; then longest shards first.

Eight guesses between the mean work of a rank and the longest sequence, divided among micro-batches where these are
waited for; the plan with the shortest step counts.

Source: two-phase scheduling of moldable tasks (Turek, Wolf and Yu 1992; Ludwig and Tiwari 1994).
"""

import numpy as np

GUESSES = 8
FOREVER = 1e300  # the last guess: cut by need only


class Slots:
    """Time and tokens of every rank in every micro-batch, and the plan so far."""

    def __init__(self, lengths: np.ndarray, config: dict) -> None:
        self.lengths, self.config = lengths, config
        shape = config["micro_batches"], config["ranks"]
        self.load, self.tokens = np.zeros(shape), np.zeros(shape, dtype=np.int64)
        self.micro_batch = np.zeros(len(lengths), dtype=np.int64)
        self.ranks = np.zeros((len(lengths), config["ranks"]), dtype=bool)

    def room(self, row: int, width: int) -> np.ndarray:
        """Where a shard of the sequence fits, (micro-batches, ranks)."""
        return self.tokens + -(-self.lengths[row] // width) <= self.config["cap"]

    def put(self, row: int, group: int, chosen: np.ndarray) -> None:
        """Give a sequence to some ranks of a micro-batch; they begin it together."""
        node = np.asarray(chosen) // self.config["ranks_per_node"]
        took = shard_time(self.lengths[row], len(chosen), node.min() != node.max(), self.config)
        self.load[group, chosen] = self.load[group, chosen].max() + took
        self.tokens[group, chosen] += -(-self.lengths[row] // len(chosen))
        self.micro_batch[row], self.ranks[row, chosen] = group, True

    def plan(self) -> dict:
        """The answer."""
        return {"micro_batch": self.micro_batch, "ranks": self.ranks}


def split(lengths: np.ndarray, config: dict) -> dict:
    """The best plan over the guesses."""
    options = np.arange(1, config["ranks"] + 1)
    times = shard_time(lengths[:, None], options, options > config["ranks_per_node"], config)
    times[-(-lengths[:, None] // options) > config["cap"]] = np.inf
    mean = shard_time(lengths, np.ones(len(lengths)), False, config).sum() / config["ranks"]
    best, shortest = None, np.inf
    least = mean / (2 * config["micro_batches"] if config["sync_every_micro_batch"] else 2)
    for until in (*np.geomspace(least, 1.2 * mean, GUESSES - 1), FOREVER):
        widths = np.where(times.min(axis=1) <= until, (times <= until).argmax(axis=1), times.argmin(axis=1)) + 1
        slots = lpt(lengths, widths, config)
        if slots is not None:
            took = step(lengths, slots.micro_batch, slots.ranks, config)
            if took < shortest:
                best, shortest = slots.plan(), took
    return first_fit(lengths, config) if best is None else best


def free_ranks(slots: Slots, row: int, width: int) -> tuple:
    """For every micro-batch the `width` ranks that are free first, of one node if possible; and when they end."""
    config, ready = slots.config, np.where(slots.room(row, width), slots.load, np.inf)
    if width == 1:
        chosen = ready.argmin(axis=1)[:, None]
        took = shard_time(slots.lengths[row], 1, False, config)
        return chosen, np.take_along_axis(ready, chosen, axis=1)[:, 0] + took
    per_node = config["ranks_per_node"] if width <= config["ranks_per_node"] else config["ranks"]
    nodes = -(-config["ranks"] // per_node)
    ready = np.pad(ready, ((0, 0), (0, nodes * per_node - config["ranks"])), constant_values=np.inf)
    ready = ready.reshape(-1, nodes, per_node)
    block = np.argsort(ready, axis=2, kind="stable")[:, :, :width]
    ends = np.take_along_axis(ready, block[:, :, -1:], axis=2)[:, :, 0]
    node, groups = ends.argmin(axis=1), np.arange(len(ends))
    took = shard_time(slots.lengths[row], width, width > config["ranks_per_node"], config)
    return block[groups, node] + (node * per_node)[:, None], ends[groups, node] + took


def lpt(lengths: np.ndarray, widths: np.ndarray, config: dict) -> Slots | None:
    """Longest shards first, each set to the micro-batch and ranks in which it ends first; None if one does not fit."""
    slots = Slots(lengths, config)
    times = shard_time(lengths, widths, widths > config["ranks_per_node"], config)
    for row in np.argsort(-times, kind="stable"):
        for width in range(widths[row], config["ranks"] + 1):  # wider where there is no room
            chosen, ends = free_ranks(slots, row, width)
            if np.isfinite(ends).any():
                slots.put(row, int(ends.argmin()), chosen[int(ends.argmin())])
                break
        else:
            return None
    return slots


def step(lengths: np.ndarray, micro_batch: np.ndarray, ranks: np.ndarray, config: dict) -> float:
    """The time of the step."""
    first, last = ranks.argmax(axis=1), ranks.shape[1] - 1 - ranks[:, ::-1].argmax(axis=1)
    widths, per_node = ranks.sum(axis=1), config["ranks_per_node"]
    times = shard_time(lengths, widths, first // per_node != last // per_node, config)
    order = np.lexsort((-lengths, -widths, micro_batch))
    total, ready = 0.0, np.zeros(config["ranks"])
    for group in np.unique(micro_batch):
        rows = order[micro_batch[order] == group]
        cut = int((widths[rows] > 1).sum())
        for row in rows[:cut]:
            ready[ranks[row]] = ready[ranks[row]].max() + times[row]
        ready += np.bincount(first[rows[cut:]], weights=times[rows[cut:]], minlength=len(ready))
        total += config["overhead_us"]
        if config["sync_every_micro_batch"]:
            total, ready = total + ready.max(), np.zeros(len(ready))
    return total + ready.max()


def shard_time(lengths: np.ndarray, widths: np.ndarray, crossing: np.ndarray, config: dict) -> np.ndarray:
    """How long a sequence keeps each of its ranks busy."""
    tokens = lengths / widths
    attention = config["quadratic_us"] * lengths * tokens
    ring = (widths - 1) * (config["hop_us"] + np.where(crossing, config["inter_us"], config["intra_us"]) * tokens)
    together = np.maximum(attention, ring) if config["overlap"] else attention + ring
    return config["linear_us"] * tokens + together


def first_fit(lengths: np.ndarray, config: dict) -> dict:
    """Each in order to the first micro-batch and ranks with room: always fits."""
    slots = Slots(lengths, config)
    for row, length in enumerate(lengths):
        width = -(-length // config["cap"])
        room = slots.room(row, width)
        group = int((room.sum(axis=1) >= width).argmax())
        slots.put(row, group, np.flatnonzero(room[group])[:width])
    return slots.plan()
