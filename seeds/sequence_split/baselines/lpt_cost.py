"""Longest work first, each to the micro-batch and ranks in which it ends first, cut only where the cap needs it.

Source: LPT (Graham 1969) on time, attention's square included.
"""

import numpy as np


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
    """The plan."""
    slots = lpt(lengths, -(-lengths // config["cap"]), config)
    return first_fit(lengths, config) if slots is None else slots.plan()


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
