"""Copies of the experts that are hot now, gathered anew before every iteration while attention runs.

Method: Hecate (Qing et al., "Hecate: Unlocking Efficient Sparse Model Training via Fully Sharded Sparse Data
Parallelism", 2025, arXiv 2502.02581), for serving instead of training. Every iteration copies the experts that the mean
of the last five forecasts as hot, as many per GPU as arrive behind attention: the overlap degree, attention time times
bandwidth (between nodes, if there are several) over an expert's bytes. What is held for good is re-cut every 100
iterations at most. The engine fills the fresh slots, heaviest copies first; Hecate shares them in proportion to load
among as many experts as the overlap degree. Its second look after the gate, with the true loads, cannot be said here.
Where not even one expert arrives in time, and where no GPU has a slot to spare, this is EPLB.
"""

import numpy as np

Array = np.ndarray

RECUT_ITERATIONS = 100  # between two placements of the experts that stay


class Policy:
    """Resident experts packed for their share after copying, all spare slots that can be filled in time left fresh."""

    def __init__(self, config: dict) -> None:
        self.slots, self.gpus = config["slots"], config["gpus"]
        per_gpu = config["slots_per_gpu"]
        spare = per_gpu - -(-config["experts"] // self.gpus)
        self.resident = per_gpu - min(overlap_degree(config), spare)
        self.windows = max(1, RECUT_ITERATIONS // config["iterations_per_window"])
        self.fresh = np.tile(np.arange(self.slots) % per_gpu >= self.resident, (config["layers"], 1))
        self.calls = 0

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """A cut of the resident experts for the newest window, or what is there."""
        due = self.calls % self.windows == 0
        self.calls += 1
        if not due:
            return {"placement": placement, "keep": np.ones(len(placement), dtype=bool)}
        expected = loads[-1].astype(np.float64)
        rows = _repair(self.residents(expected), expected, self.gpus)
        seats = np.full((len(rows), self.gpus, self.slots // self.gpus), -1, dtype=np.int32)
        seats[:, :, : self.resident] = rows.reshape(len(rows), self.gpus, self.resident)
        return {"placement": seats.reshape(len(rows), self.slots), "fresh": self.fresh}

    def residents(self, expected: Array) -> Array:
        """The placement of all slots that are not fresh: EPLB, each copy as heavy as fresh ones will leave it."""
        experts = replicate(expected, self.gpus * self.resident)
        relieved = replica_loads(replicate(expected, self.slots), expected)
        weights = np.take_along_axis(relieved[:, : expected.shape[1]], experts, axis=1)
        return np.take_along_axis(experts, pack(weights, self.gpus), axis=1)


def overlap_degree(config: dict) -> int:
    """Experts that arrive on a GPU while attention runs."""
    bandwidth = config["bandwidths"]["inter_node" if config["nodes"] > 1 else "intra_node"]
    return int(1e-6 * config["attention_us"] * bandwidth / config["expert_bytes"])


def replicate(expected: Array, num_slots: int) -> Array:
    """The expert in each of the slots, (L, P): all experts once, then whichever has the busiest replicas."""
    num_layers, num_experts = expected.shape
    layers = np.arange(num_layers)
    experts = np.tile(np.arange(num_experts), (num_layers, 1))
    heat, counts = expected.copy(), np.ones_like(expected)
    extra = np.empty((num_layers, num_slots - num_experts), dtype=experts.dtype)
    for slot in range(extra.shape[1]):
        hottest = heat.argmax(axis=1)
        extra[:, slot] = hottest
        counts[layers, hottest] += 1.0
        heat[layers, hottest] = expected[layers, hottest] / counts[layers, hottest]
    return np.concatenate([experts, extra], axis=1)


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
