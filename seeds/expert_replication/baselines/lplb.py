"""Experts in balanced order, one copy of the hottest along a fixed graph, tokens split exactly in every iteration.

Method: LPLB (github.com/deepseek-ai/LPLB) by its own rules. EPLB orders the experts over the GPUs without copying any.
Each GPU then copies experts of fixed neighbours: its i-th spare slot holds the i-th hottest expert of its i-th
neighbour, so an expert has one copy at most, on an edge of the graph. In every iteration a linear program moves tokens
along the edges. The graph is a cube for 8 GPUs: a ring within each half, then crossings; larger machines repeat it with
longer strides. LPLB solves the program within each cube, the task's dispatch mode 2 over all GPUs at once, which is no
worse; the edges stay within the cubes here.
"""

import numpy as np

Array = np.ndarray

LP = 2  # the task's dispatch mode: exact split, at `lp_us` per layer and iteration
REORDER_EVERY = 4  # windows between two orders of the experts; the copies follow the load in every window
CUBE = 8  # GPUs that balance among themselves


class Policy:
    """Ordered experts, copies along a static graph, exact split."""

    def __init__(self, config: dict) -> None:
        self.slots, self.gpus = config["slots"], config["gpus"]
        self.originals: Array | None = None
        self.calls = 0

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """Originals as ordered last, copies for the newest window."""
        expected = loads[-1].astype(np.float64)
        if self.originals is None or self.calls % REORDER_EVERY == 0:
            self.originals = ordered(expected, self.gpus)
        self.calls += 1
        wanted = with_copies(self.originals, expected, self.slots, self.gpus)
        return {"placement": _repair(wanted, expected, self.gpus), "dispatch": LP}


def ordered(expected: Array, num_gpus: int) -> Array:
    """Each GPU's own experts, (L, G, most per GPU), -1 where it has one less: heaviest first to the lightest GPU."""
    num_layers, num_experts = expected.shape
    most = -(-num_experts // num_gpus)
    padded = np.concatenate([expected, np.full((num_layers, most * num_gpus - num_experts), -1.0)], axis=1)
    seats = pack(padded, num_gpus).reshape(num_layers, num_gpus, most)
    return np.where(seats < num_experts, seats, -1)


def with_copies(originals: Array, expected: Array, num_slots: int, num_gpus: int) -> Array:
    """The placement, (L, P): originals, and in spare slots the i-th hottest original of each GPU's i-th neighbour."""
    num_layers, _, most = originals.shape
    own = np.take_along_axis(expected, np.maximum(originals, 0).reshape(num_layers, -1), axis=1)
    heat = np.where(originals < 0, -1.0, own.reshape(originals.shape))
    hottest_first = np.take_along_axis(originals, np.argsort(-heat, axis=2, kind="stable"), axis=2)
    layers, gpus = np.arange(num_layers)[:, None], np.arange(num_gpus)
    slots = num_slots // num_gpus
    sources = np.stack([neighbours(copy, num_gpus) for copy in range(slots)])
    rows = np.full((num_layers, num_gpus, slots), -1)
    rows[:, :, :most] = hottest_first
    kept = (originals >= 0).sum(axis=2)
    for slot in range(slots):
        copy = np.maximum(slot - kept, 0)
        copied = hottest_first[layers, sources[copy, gpus], np.minimum(copy, most - 1)]
        rows[:, :, slot] = np.where(slot < kept, rows[:, :, slot], copied)
    return rows.reshape(num_layers, num_slots)


def neighbours(copy: int, num_gpus: int) -> Array:
    """The GPU that each GPU's copy number `copy` comes from, (G,): ring in the half cube, crossing, longer strides."""
    gpus, cube = np.arange(num_gpus), int(np.gcd(num_gpus, CUBE))
    base, rank, half = gpus // cube * cube, gpus % cube, cube // 2
    if copy == 0 and half > 1:
        return base + rank // half * half + (rank - 1) % half
    if copy == 1 and cube == CUBE:
        return base + np.where(rank >= half, rank - half, (rank ^ 2) + half)
    return (gpus + copy + 1) % num_gpus


def pack(weights: Array, num_packs: int) -> Array:
    """Items in pack order, (L, items): heaviest item first, each to the lightest pack that has room.

    One item per pack stays where it is, as in DeepSeek's code.
    """
    num_layers, num_items = weights.shape
    layers, room = np.arange(num_layers), num_items // num_packs
    if room == 1:
        return np.tile(np.arange(num_items), (num_layers, 1))
    order = np.argsort(-weights, axis=1, kind="stable")
    heaviest_first = np.take_along_axis(weights, order, axis=1)
    packed = np.empty_like(order)
    held = np.zeros((num_layers, num_packs), dtype=np.int64)
    pack_loads = np.zeros((num_layers, num_packs))
    for rank in range(num_items):
        lightest = pack_loads.argmin(axis=1)
        seat = held[layers, lightest]
        packed[layers, lightest * room + seat] = order[:, rank]
        held[layers, lightest] = seat + 1
        pack_loads[layers, lightest] += np.where(seat + 1 < room, heaviest_first[:, rank], np.inf)
    return packed


def replica_loads(placement: Array, expected: Array) -> Array:
    """Tokens per slot, (L, P), when an expert's replicas share evenly."""
    counts = np.zeros(expected.shape)
    np.add.at(counts, (np.arange(len(placement))[:, None], placement), 1.0)
    return np.take_along_axis(expected / np.maximum(counts, 1.0), placement, axis=1)


def _repair(wanted: Array, expected: Array, num_gpus: int) -> Array:
    """`wanted` with every expert present and none twice on a GPU; unchanged in layers where that already holds."""
    placement = np.clip(wanted, 0, expected.shape[1] - 1).astype(np.int32)
    for layer in _faulty_layers(placement, expected.shape[1], num_gpus):
        _mend(placement[layer], expected[layer], num_gpus)
    return placement


def _faulty_layers(placement: Array, num_experts: int, num_gpus: int) -> Array:
    """Layers in which an expert is missing, or twice on a GPU."""
    by_gpu = np.sort(placement.reshape(len(placement), num_gpus, -1), axis=2)
    twice = (by_gpu[:, :, 1:] == by_gpu[:, :, :-1]).any(axis=(1, 2))
    present = np.zeros((len(placement), num_experts), dtype=bool)
    np.put_along_axis(present, placement.astype(np.int64), True, axis=1)
    return np.flatnonzero(twice | ~present.all(axis=1))


def _mend(row: Array, load: Array, num_gpus: int) -> None:
    """Edit one layer's `row` (P,) until it is valid; `load` is (E,)."""
    gpu_of = np.arange(row.size) // (row.size // num_gpus)
    for expert in np.flatnonzero(np.bincount(row, minlength=load.size) == 0):
        row[_most_dispensable(row, load, gpu_of)] = expert
    for _ in range(row.size):  # every pass removes at least one duplicate
        duplicates = _duplicates(row, load.size, gpu_of)
        if not duplicates.any():
            return
        _separate(row, duplicates.argmax(), load, gpu_of)


def _duplicates(row: Array, num_experts: int, gpu_of: Array) -> Array:
    """Which slots hold an expert that a later slot of the same GPU holds too, (P,)."""
    last = np.empty((gpu_of[-1] + 1, num_experts), dtype=np.int64)
    last[gpu_of, row] = np.arange(row.size)
    return last[gpu_of, row] != np.arange(row.size)


def _most_dispensable(row: Array, load: Array, gpu_of: Array) -> int:
    """A duplicate if there is one, else the lightest replica of an expert that has several."""
    counts = np.bincount(row, minlength=load.size)
    cost = np.where(counts[row] > 1, (load / np.maximum(counts, 1))[row], np.inf)
    cost[_duplicates(row, load.size, gpu_of)] = -1.0
    return cost.argmin()


def _separate(row: Array, slot: int, load: Array, gpu_of: Array) -> None:
    """Swap the duplicate at `slot` away so that the busier of the two GPUs is lightest; if none fits, replace it."""
    here, expert = gpu_of[slot], row[slot]
    replica = load / np.bincount(row, minlength=load.size)
    hosts = np.zeros((gpu_of[-1] + 1, load.size), dtype=bool)
    hosts[gpu_of, row] = True
    fits = ~hosts[gpu_of, expert] & ~hosts[here, row]
    if not fits.any():  # the expert is on every GPU that could take it: help the busiest one this GPU lacks
        row[slot] = np.where(hosts[here], -1.0, replica).argmax()
        return
    gpu_load = np.bincount(gpu_of, weights=replica[row])
    shift = replica[row] - replica[expert]
    busier = np.maximum(gpu_load[here] + shift, gpu_load[gpu_of] - shift)
    partner = np.where(fits, busier, np.inf).argmin()
    row[slot], row[partner] = row[partner], expert
