"""Cut what is longer than a rank's share of the work, then longest work first; further ideas lie open as constants.

Method: every sequence gets as many shards as it exceeds its share by, at least those that the cap needs; then LPT
(Graham 1969): the longest shards first, each set of shards to the ranks and the micro-batch in which it ends first. If
something does not fit any more, the plan is first fit, which always does.
"""

import numpy as np

Array = np.ndarray
MOVES = 200  # most sequences that are taken out and put back, over all

# EVOLVE-BLOCK-START
CUT = 1.0  # a sequence is cut if it takes longer than this times a rank's share of the whole work
SHARD = 1.0  # how long a shard of it should take, in the same unit
SYNCED = 0.0  # 1: where ranks wait after every micro-batch, the share is that of a micro-batch; 0: of the step
ROUND = 0.0  # 1: widths are powers of two, 0: any
INSIDE = 0.0  # 1: a width beyond a node is cut down to the node, if the cap allows; 0: it may cross
WIDE = 0.0  # how much wider sequences come earlier, as a power of the width
END = 1.0  # for each micro-batch: against ending late
GROWTH = 0.0  # against the micro-batch becoming longer
FULL = 0.0  # against filling ranks, in shares of the cap
LATE = 0.0  # against micro-batches that are still empty, in overheads
HOME = 0.0  # against ranks on other nodes, in shares of the time that the ring adds
TRIES = 1.0  # how many sizes of shards are tried, the plan with the shortest step being taken
SPREAD = 1.4  # by which factor the sizes tried differ
POLISH = 0.0  # times that each sequence of the busiest ranks is put elsewhere, if that makes the step shorter


def widths_of(times: Array, needed: Array, share: float, size: float, config: dict) -> Array:
    """Shards of every sequence, before they are made to fit; `times` are of the whole sequences."""
    wish = np.where(times > CUT * share, np.ceil(times / (SHARD * size * share)), 1.0)
    if ROUND > 0.5:
        wish = 2.0 ** np.ceil(np.log2(np.maximum(wish, 1.0)))
    if INSIDE > 0.5:
        wish = np.minimum(wish, config["ranks_per_node"])
    return np.maximum(wish, needed)


def priority(shard_times: Array, widths: Array) -> Array:
    """Who is placed first: the largest."""
    return shard_times * widths**WIDE


def place_cost(ends: Array, tallest: Array, fill: Array, empty: Array) -> Array:
    """Which micro-batch a sequence goes to, the least first; times are in shares of a rank's work in the step."""
    return END * ends + GROWTH * np.maximum(ends - tallest, 0.0) + FULL * fill + LATE * empty


def split(lengths: Array, config: dict) -> dict:
    """The task's interface: the plan. Any other method may stand here."""
    return longest_first(lengths, config)


# EVOLVE-BLOCK-END


def longest_first(lengths: Array, config: dict) -> dict:
    """The best plan of all sizes tried; see `place`."""
    needed = -(-lengths // config["cap"])
    times = shard_time(lengths, np.ones(len(lengths)), False, config)
    share = times.sum() / config["ranks"]
    if config["sync_every_micro_batch"]:
        share /= config["micro_batches"] ** bounded(SYNCED, 0.0, 1.0)
    best, shortest = first_fit(lengths, needed, config), np.inf
    tries = int(bounded(TRIES, 1.0, 4.0))
    for turn in range(tries):
        size = bounded(SPREAD, 0.25, 4.0) ** (turn - tries // 2)
        wish = np.nan_to_num(widths_of(times, needed, share, size, config), nan=1.0)
        widths = np.clip(wish, needed, config["ranks"]).astype(np.int64)
        plan = place(lengths, widths, config, times.sum() / config["ranks"])
        length = np.inf if plan is None else step(lengths, plan, config)
        if length < shortest:
            best, shortest = plan, length
    if POLISH > 0 and shortest < np.inf:
        best = polish(lengths, best, config)
    return {"micro_batch": best[0], "ranks": best[1]}


def place(lengths: Array, widths: Array, config: dict, unit: float):
    """Longest shards first, each to the ranks that are free first; None if one does not fit."""
    groups, cap = config["micro_batches"], config["cap"]
    load, tokens = np.zeros((groups, config["ranks"])), np.zeros((groups, config["ranks"]), dtype=np.int64)
    micro_batch, ranks = np.zeros(len(lengths), dtype=np.int64), np.zeros((len(lengths), config["ranks"]), dtype=bool)
    shard_times = shard_time(lengths, widths, widths > config["ranks_per_node"], config)
    for row in np.argsort(-np.nan_to_num(priority(shard_times, widths.astype(float))), kind="stable"):
        for width in range(widths[row], config["ranks"] + 1):  # wider if there is no room
            shard = -(-lengths[row] // width)
            chosen, ends = best_ranks(lengths[row], width, shard, load, tokens, config)
            if np.isfinite(ends).any():
                break
        else:
            return None
        tallest, empty = load.max(axis=1), (tokens.max(axis=1) == 0) * config["overhead_us"]
        fill = (np.take_along_axis(tokens, chosen, axis=1).max(axis=1) + shard) / cap
        there = np.flatnonzero(np.isfinite(ends))
        cost = place_cost(ends[there] / unit, tallest[there] / unit, fill[there], empty[there] / unit)
        group = int(there[np.nan_to_num(np.broadcast_to(cost, there.shape)).argmin()])
        picked = chosen[group]
        load[group, picked] = ends[group]
        tokens[group, picked] += shard
        micro_batch[row], ranks[row, picked] = group, True
    return micro_batch, ranks


def best_ranks(length: int, width: int, shard: int, load: Array, tokens: Array, config: dict) -> tuple:
    """For every micro-batch the `width` ranks that are free first, and when they would end (inf: no room).

    Those of one node are taken instead where they end earlier, or later by less than HOME allows.
    """
    ready = np.where(tokens + shard <= config["cap"], load, np.inf)
    if width == 1:
        chosen = ready.argmin(axis=1)[:, None]
        return chosen, np.take_along_axis(ready, chosen, axis=1)[:, 0] + shard_time(length, 1, False, config)
    per_node = config["ranks_per_node"]
    far, near = (shard_time(length, width, there, config) for there in (True, False))
    chosen = np.argsort(ready, axis=1, kind="stable")[:, :width]
    nodes = chosen // per_node
    crossing = nodes.min(axis=1) != nodes.max(axis=1)
    ends = np.take_along_axis(ready, chosen, axis=1)[:, -1] + np.where(crossing, far, near)
    if width <= per_node:
        inside, ends_inside = best_of_nodes(ready, width, per_node)
        home = crossing & np.isfinite(ends_inside) & (ends_inside + near - HOME * (far - near) <= ends)
        chosen, ends = np.where(home[:, None], inside, chosen), np.where(home, ends_inside + near, ends)
    return chosen, ends


def best_of_nodes(ready: Array, width: int, per_node: int) -> tuple:
    """For every micro-batch the ranks of the one node where `width` of them are free first, and when."""
    nodes = -(-ready.shape[1] // per_node)
    padded = np.pad(ready, ((0, 0), (0, nodes * per_node - ready.shape[1])), constant_values=np.inf)
    padded = padded.reshape(len(ready), nodes, per_node)
    block = np.argsort(padded, axis=2, kind="stable")[:, :, :width]
    free = np.take_along_axis(padded, block[:, :, -1:], axis=2)[:, :, 0]
    node, groups = free.argmin(axis=1), np.arange(len(ready))
    return block[groups, node] + (node * per_node)[:, None], free[groups, node]


def polish(lengths: Array, plan: tuple, config: dict) -> tuple:
    """Sequences of the rank that ends last go to the ranks that end first, or to another micro-batch."""
    rng = np.random.default_rng(config["seed"])
    shortest = step(lengths, plan, config)
    for _ in range(int(min(MOVES, bounded(POLISH, 0.0, 100.0) * len(lengths)))):
        micro_batch, ranks = plan
        group = int(rng.integers(config["micro_batches"])) if config["sync_every_micro_batch"] else -1
        inside = micro_batch == group if group >= 0 else np.ones(len(lengths), dtype=bool)
        widths = ranks.sum(axis=1)
        times = np.where(inside, shard_time(lengths, widths, spans(ranks, config), config), 0.0)
        load = times @ ranks
        of_busiest = np.flatnonzero(ranks[:, load.argmax()] & inside)
        if not len(of_busiest):
            continue
        row = int(rng.choice(of_busiest))
        width = int(np.clip(widths[row] + rng.integers(-1, 2), 1, config["ranks"]))
        target = int(rng.integers(config["micro_batches"])) if rng.random() < 0.5 else int(micro_batch[row])
        there = np.where(micro_batch == target, shard_time(lengths, widths, spans(ranks, config), config), 0.0) @ ranks
        new = np.zeros(config["ranks"], dtype=bool)
        new[np.argsort(there - there.max() * ranks[row] * 1e-9, kind="stable")[:width]] = True
        moved = micro_batch.copy(), ranks.copy()
        moved[0][row], moved[1][row] = target, new
        if fits(lengths, moved, config):
            length = step(lengths, moved, config)
            if length <= shortest:
                plan, shortest = moved, length
    return plan


def shard_time(lengths: Array, widths: Array, crossing: Array, config: dict) -> Array:
    """How long a sequence keeps each of its ranks busy."""
    tokens = lengths / widths
    attention = config["quadratic_us"] * lengths * tokens
    link = np.where(crossing, config["inter_us"], config["intra_us"])
    ring = (widths - 1) * (config["hop_us"] + link * tokens)
    together = np.maximum(attention, ring) if config["overlap"] else attention + ring
    return config["linear_us"] * tokens + together


def step(lengths: Array, plan: tuple, config: dict) -> float:
    """The time of the step."""
    micro_batch, ranks = plan
    widths = ranks.sum(axis=1)
    times = shard_time(lengths, widths, spans(ranks, config), config)
    order = np.lexsort((-lengths, -widths, micro_batch))
    total, ready = 0.0, np.zeros(config["ranks"])
    for group in np.unique(micro_batch):
        rows = order[micro_batch[order] == group]
        cut = int((widths[rows] > 1).sum())
        for row in rows[:cut]:
            there = ranks[row]
            ready[there] = ready[there].max() + times[row]
        whole = rows[cut:]
        ready += np.bincount(ranks[whole].argmax(axis=1), weights=times[whole], minlength=len(ready))
        total += config["overhead_us"]
        if config["sync_every_micro_batch"]:
            total, ready = total + ready.max(), np.zeros(len(ready))
    return total + ready.max()


def spans(ranks: Array, config: dict) -> Array:
    """Whether a sequence is on several nodes."""
    first, last = ranks.argmax(axis=1), ranks.shape[1] - 1 - ranks[:, ::-1].argmax(axis=1)
    return first // config["ranks_per_node"] != last // config["ranks_per_node"]


def fits(lengths: Array, plan: tuple, config: dict) -> bool:
    """Whether no rank has more tokens than the cap in a micro-batch."""
    micro_batch, ranks = plan
    tokens = np.zeros((config["micro_batches"], config["ranks"]), dtype=np.int64)
    np.add.at(tokens, micro_batch, -(-lengths // ranks.sum(axis=1))[:, None] * ranks)
    return bool(tokens.max() <= config["cap"])


def first_fit(lengths: Array, needed: Array, config: dict) -> tuple:
    """Each in order to the first micro-batch and ranks with room."""
    room = np.full((config["micro_batches"], config["ranks"]), config["cap"], dtype=np.int64)
    micro_batch, ranks = np.zeros(len(lengths), dtype=np.int64), np.zeros((len(lengths), config["ranks"]), dtype=bool)
    for row, width in enumerate(needed):
        shard = -(-lengths[row] // width)
        group = int(((room >= shard).sum(axis=1) >= width).argmax())
        chosen = np.flatnonzero(room[group] >= shard)[:width]
        room[group, chosen] -= shard
        micro_batch[row], ranks[row, chosen] = group, True
    return micro_batch, ranks


def bounded(value: float, low: float, high: float) -> float:
    """The value within limits."""
    return float(min(max(np.nan_to_num(value), low), high))
