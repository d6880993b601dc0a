"""Groups of different degrees side by side: micro-batches of similar lengths, in each the ranks divided among groups.

Sequences, sorted by length, are cut into runs of equal work that fit; each run is a micro-batch. In it, for a time T,
the longest sequences open a group of the least degree 1, 2, 4, ... on which they end by T, and the next ones join
until T or the cap is reached; the least T at which all groups fit on the ranks is found by bisection.

Source: after FlexSP (heterogeneous sequence-parallel groups, blocks of similar lengths), ASPLOS 2025, as remembered;
bisection over a greedy cover takes the place of its integer program.
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
    times = shard_time(lengths, np.ones(len(lengths)), False, config)
    slots = Slots(lengths, config)
    for group, rows in enumerate(runs(lengths, times, config)):
        found = cover(lengths, rows, config)
        if found is None:
            plain = lpt(lengths, -(-lengths // config["cap"]), config)
            return first_fit(lengths, config) if plain is None else plain.plan()
        for chosen, members in found:
            for row in members:
                slots.put(row, group, chosen)
    return slots.plan()


def runs(lengths: np.ndarray, times: np.ndarray, config: dict) -> list:
    """Rows by falling length, cut where a micro-batch has its share of the tokens."""
    order = np.argsort(-lengths, kind="stable")
    share = lengths.sum() / config["micro_batches"]
    part = np.minimum((np.cumsum(lengths[order]) - lengths[order] / 2) // share, config["micro_batches"] - 1)
    return [order[part == group] for group in range(config["micro_batches"]) if (part == group).any()]


def cover(lengths: np.ndarray, rows: np.ndarray, config: dict):
    """Groups of ranks with their rows, for the least time; None if the cap leaves no way."""
    degrees = [2**power for power in range(int(np.log2(config["ranks"])) + 1)]
    if degrees[-1] < config["ranks"]:
        degrees.append(config["ranks"])
    times = np.stack([
        np.where(-(-lengths[rows] // degree) <= config["cap"],
                 shard_time(lengths[rows], degree, degree > config["ranks_per_node"], config), np.inf)
        for degree in degrees
    ])  # fmt: skip
    low, high, best = float(times.min(axis=0).max()), float(times.min(axis=0).sum()) + 1.0, None
    for _ in range(18):
        middle = (low + high) / 2
        found = groups_of(lengths[rows], times, middle, degrees, config)
        if found is None:
            low = middle
        else:
            best, high = found, middle
    return None if best is None else [(chosen, [int(rows[place]) for place in members]) for chosen, members in best]


def groups_of(lengths: np.ndarray, times: np.ndarray, until: float, degrees: list, config: dict):
    """Groups that end by `until`, or None if they need more ranks than there are."""
    found, load, tokens, used = [], [], [], 0
    for place in range(len(lengths)):
        for group, (kind, members) in enumerate(found):
            shard = -(-lengths[place] // degrees[kind])
            if load[group] + times[kind, place] <= until and tokens[group] + shard <= config["cap"]:
                members.append(place)
                load[group] += times[kind, place]
                tokens[group] += shard
                break
        else:
            kind = int((times[:, place] <= until).argmax())
            used += degrees[kind]
            if times[kind, place] > until or used > config["ranks"]:
                return None
            found.append((kind, [place]))
            load.append(times[kind, place])
            tokens.append(-(-lengths[place] // degrees[kind]))
    ranks = np.cumsum([0, *(degrees[kind] for kind, _ in found)])
    return [(np.arange(ranks[i], ranks[i + 1]), members) for i, (_, members) in enumerate(found)]


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
