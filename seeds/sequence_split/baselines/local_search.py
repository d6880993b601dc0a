"""The best of six guesses of the step's time, then sequences moved and exchanged where that makes the step shorter.

A move takes a sequence of the rank that ends last in some micro-batch and puts it, as wide as before or one narrower,
wider, twice or half as wide, to the ranks that are least busy in that micro-batch or another; or exchanges the places
of two.

Source: hill climbing from `moldable.py`; the usual neighbourhood of makespan scheduling (Finn and Horowitz 1979).
"""

import numpy as np

GUESSES = 6
FOREVER = 1e300  # the last guess: cut by need only
GROWTH = 10.0  # against a longer micro-batch, where ending early counts 1
MOVES = 260


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
    """The plan after all moves."""
    start = guessed(lengths, config) or first_fit(lengths, config)
    micro_batch, ranks = start["micro_batch"], start["ranks"]
    rng, shortest = np.random.default_rng(config["seed"]), step(lengths, micro_batch, ranks, config)
    for _ in range(MOVES):
        moved = neighbour(lengths, micro_batch, ranks, config, rng)
        if moved is not None and fits(lengths, *moved, config):
            took = step(lengths, *moved, config)
            if took <= shortest:
                (micro_batch, ranks), shortest = moved, took
    return {"micro_batch": micro_batch, "ranks": ranks}


def neighbour(lengths: np.ndarray, micro_batch: np.ndarray, ranks: np.ndarray, config: dict, rng: np.random.Generator):
    """Another plan, or None."""
    widths, num = ranks.sum(axis=1), config["ranks"]
    times = shard_time(lengths, widths, widths > config["ranks_per_node"], config)
    load = np.zeros((config["micro_batches"], num))
    np.add.at(load, micro_batch, times[:, None] * ranks)
    if config["sync_every_micro_batch"]:
        source = int(rng.integers(len(load)))
        last = load[source].argmax()
        rows = np.flatnonzero(ranks[:, last] & (micro_batch == source))
    else:
        load[:] = load.sum(axis=0)  # what counts is the sum over micro-batches
        last = load[0].argmax()
        rows = np.flatnonzero(ranks[:, last])
    if not len(rows):
        return None
    row = int(rng.choice(rows))
    target = int(micro_batch[row]) if rng.random() < 0.6 else int(rng.integers(len(load)))
    new_group, new_ranks = micro_batch.copy(), ranks.copy()
    if rng.random() < 0.5:
        others = np.flatnonzero((micro_batch == target) & ~ranks[:, last] & (times < times[row]))
        if not len(others):
            return None
        other = int(others[np.argsort(-times[others])[min(int(rng.exponential(6.0)), len(others) - 1)]])
        new_group[[row, other]], new_ranks[[row, other]] = micro_batch[[other, row]], ranks[[other, row]]
        return new_group, new_ranks
    width = [widths[row], widths[row] + 1, widths[row] - 1, 2 * widths[row], widths[row] // 2][int(rng.integers(5))]
    busy = load[target] - times[row] * ranks[row] * (target == micro_batch[row] or not config["sync_every_micro_batch"])
    new_group[row], new_ranks[row] = target, False
    new_ranks[row, least_busy(busy, int(np.clip(width, 1, num)), config["ranks_per_node"])] = True
    return new_group, new_ranks


def least_busy(busy: np.ndarray, width: int, per_node: int) -> np.ndarray:
    """The least busy ranks, of one node if so many are in one."""
    if 1 < width <= per_node:
        nodes = [np.arange(first, min(first + per_node, len(busy))) for first in range(0, len(busy), per_node)]
        inside = [node[np.argsort(busy[node], kind="stable")[:width]] for node in nodes if len(node) >= width]
        return min(inside, key=lambda chosen: busy[chosen].max())
    return np.argsort(busy, kind="stable")[:width]


def fits(lengths: np.ndarray, micro_batch: np.ndarray, ranks: np.ndarray, config: dict) -> bool:
    """Whether no rank has more tokens than the cap in a micro-batch."""
    tokens = np.zeros((config["micro_batches"], config["ranks"]), dtype=np.int64)
    np.add.at(tokens, micro_batch, -(-lengths // ranks.sum(axis=1))[:, None] * ranks)
    return bool(tokens.max() <= config["cap"])


def guessed(lengths: np.ndarray, config: dict):
    """The best plan over the guesses, each sequence as narrow as it may be (`moldable.py`); None if none fits."""
    options = np.arange(1, config["ranks"] + 1)
    times = shard_time(lengths[:, None], options, options > config["ranks_per_node"], config)
    times[-(-lengths[:, None] // options) > config["cap"]] = np.inf
    mean = shard_time(lengths, np.ones(len(lengths)), False, config).sum() / config["ranks"]
    best, shortest = None, np.inf
    least = mean / (2 * config["micro_batches"] if config["sync_every_micro_batch"] else 2)
    for until in (*np.geomspace(least, 1.2 * mean, GUESSES - 1), FOREVER):
        widths = np.where(times.min(axis=1) <= until, (times <= until).argmax(axis=1), times.argmin(axis=1)) + 1
        slots = placed(lengths, widths, config)
        if slots is not None:
            took = step(lengths, slots.micro_batch, slots.ranks, config)
            if took < shortest:
                best, shortest = slots.plan(), took
    return best


def placed(lengths: np.ndarray, widths: np.ndarray, config: dict):
    """Longest shards first, where it ends early and the micro-batch hardly becomes longer; None if one does not fit."""
    slots = Slots(lengths, config)
    times = shard_time(lengths, widths, widths > config["ranks_per_node"], config)
    for row in np.argsort(-times, kind="stable"):
        for width in range(widths[row], config["ranks"] + 1):
            chosen, ends = free_ranks(slots, row, width)
            if np.isfinite(ends).any():
                cost = ends + GROWTH * np.maximum(ends - slots.load.max(axis=1), 0.0)
                slots.put(row, int(cost.argmin()), chosen[int(cost.argmin())])
                break
        else:
            return None
    return slots


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
