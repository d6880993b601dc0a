"""EPLB's replication with a packing of no loop: sort, deal out in rows, turn every second row round.

Method: the planner that program evolution found for DeepSeek's EPLB in "Barbarians at the Gate: How AI is Upending
Systems Research" (Cheng et al., 2025). Faster than EPLB's greedy packing, slightly less balanced.
"""

import numpy as np

Array = np.ndarray


class Policy:
    """Snake packing on the newest window, even dispatch."""

    def __init__(self, config: dict) -> None:
        self.slots, self.gpus = config["slots"], config["gpus"]

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """A plan from scratch, whatever the current placement is."""
        expected = loads[-1].astype(np.float64)
        experts = replicate(expected, self.slots)
        dealt = np.take_along_axis(experts, snake(replica_loads(experts, expected), self.gpus), axis=1)
        return {"placement": _repair(dealt, expected, self.gpus)}


def snake(weights: Array, num_packs: int) -> Array:
    """Items in pack order, (L, items): the heaviest over packs 0 to G - 1, the next over G - 1 to 0, and so on."""
    rows = np.argsort(-weights, axis=1, kind="stable").reshape(len(weights), -1, num_packs)
    rows[:, 1::2] = rows[:, 1::2, ::-1]
    return rows.transpose(0, 2, 1).reshape(weights.shape)


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
