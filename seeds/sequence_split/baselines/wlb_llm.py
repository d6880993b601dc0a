"""Variable-length packing: nodes are groups of context parallelism; each gets equal work in every micro-batch.

Sequences, heaviest first, go to the node and micro-batch with the least work in which they fit; there all ranks of the
node share each of them, so that ranks inside a node are always balanced. Short ones, for which a ring costs more than
a rank's waiting, stay whole on the node's freest rank.

Source: after WLB-LLM (variable-length packing by work, per-document sharding chosen by what is faster), OSDI 2025, as
remembered. Left out: its queue that holds long documents back for later steps, and its pipeline.
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
    slots, num, per_node = Slots(lengths, config), config["ranks"], config["ranks_per_node"]
    nodes = [np.arange(first, min(first + per_node, num)) for first in range(0, num, per_node)]
    times = shard_time(lengths, np.ones(len(lengths)), False, config)
    share = times.sum() / num / config["micro_batches"]
    for row in np.argsort(-times, kind="stable"):
        width, chosen = (1, None) if times[row] < share else (per_node, None)
        if lengths[row] <= width * config["cap"]:
            chosen = least_work(slots, row, nodes, width)
        if chosen is None:  # too long, or no room: over the whole of a node, else over all nodes
            chosen = least_work(slots, row, nodes, per_node) or least_work(slots, row, [np.arange(num)], num)
        if chosen is None:
            return first_fit(lengths, config)
        slots.put(row, *chosen)
    return slots.plan()


def least_work(slots: Slots, row: int, nodes: list, width: int):
    """Micro-batch and ranks, of the node with the least work on which the sequence fits so wide; None if none is."""
    room = slots.room(row, width)
    work = np.stack([slots.load[:, node].mean(axis=1) for node in nodes], axis=1)
    for place in np.argsort(work, axis=None, kind="stable"):
        group, node = divmod(int(place), len(nodes))
        ranks = nodes[node][room[group, nodes[node]]]
        if len(ranks) >= width:
            return group, ranks[np.argsort(slots.load[group, ranks], kind="stable")[:width]]
    return None


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
