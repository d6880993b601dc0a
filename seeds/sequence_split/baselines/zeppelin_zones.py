"""Three zones by length: local, inside a node, over nodes; first the nodes are balanced, then the ranks of each.

The micro-batches are balanced first. In each, a sequence with more work than a node's share goes over as many nodes as
it has shares; one with more than a rank's share over so many ranks of the node that is free first; all others stay
whole.

Source: after Zeppelin (its hierarchical partition into zones), as told in its abstract and remembered; by work instead
of tokens, thresholds set by the shares. Left out: its routing over all network cards, its remapping between attention
and the linear layers.
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
    slots, times = Slots(lengths, config), shard_time(lengths, np.ones(len(lengths)), False, config)
    for group, rows in enumerate(balanced(lengths, times, config)):
        share = max(times[rows].sum() / config["ranks"], 1e-9)
        for row in rows:
            if not put(slots, row, group, zone_width(lengths[row], times[row] / share, config)):
                return first_fit(lengths, config)
    return slots.plan()


def balanced(lengths: np.ndarray, times: np.ndarray, config: dict) -> list:
    """The sequences of every micro-batch, most work first: each where least work is, if the tokens fit."""
    rows = [[] for _ in range(config["micro_batches"])]
    work, tokens = np.zeros(len(rows)), np.zeros(len(rows))
    for row in np.argsort(-times, kind="stable"):
        full = tokens + lengths[row] > 0.97 * config["cap"] * config["ranks"]
        group = int((work + np.where(full, 1e15 * (1 + tokens), 0.0)).argmin())
        rows[group].append(int(row))
        work[group] += times[row]
        tokens[group] += lengths[row]
    return rows


def zone_width(length: int, shares: float, config: dict) -> int:
    """1 in the local zone, up to a node's ranks in the second, whole nodes in the third."""
    per_node = config["ranks_per_node"]
    width = max(int(np.ceil(shares - 0.01)), -(-length // config["cap"]), 1)
    if width > per_node:
        width = per_node * -(-width // per_node)
    return min(width, config["ranks"])


def put(slots: Slots, row: int, group: int, width: int) -> bool:
    """Where it ends first in its micro-batch, wider or in another one where there is no room; whether it fits."""
    for wider in range(width, slots.config["ranks"] + 1):
        chosen, ends = free_ranks(slots, row, wider)
        if np.isfinite(ends).any():
            there = group if np.isfinite(ends[group]) else int(ends.argmin())
            slots.put(row, there, chosen[there])
            return True
    return False


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
