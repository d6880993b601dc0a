"""EPLB on the newest window, with each of its decisions laid open as a constant or a small function.

Method: DeepSeek's Expert Parallelism Load Balancer, global policy (github.com/deepseek-ai/EPLB), written anew in numpy
for all layers at once. With the constants below it is that method and nothing else: a new plan every window from the
newest loads alone, even dispatch. Each further idea sits at its neutral value, to be turned.

Shapes: W windows, R sampled iterations, L layers, E experts, P slots per layer, G GPUs; slot p is on
GPU p // (P // G).
"""

import numpy as np

Array = np.ndarray

EVEN, SPLIT, LP, LOCAL_FIRST = 0, 1, 2, 3  # dispatch modes of the task
TINY = 1e-12

# EVOLVE-BLOCK-START
HISTORY = 1  # newest windows that the estimate looks at
DECAY = 0.5  # weight of a window relative to the next newer one; no effect while HISTORY is 1
TREND = 0.0  # windows ahead to extrapolate the change between the last two windows
SAMPLE_WEIGHT = 0.0  # extra load per unit of an expert's variation between the sampled iterations
REPLICA_POWER = 1.0  # an expert with c replicas counts as load / c ** REPLICA_POWER when the next slot is given away
PACKING_POWER = 1.0  # replicas are packed by their load to this power
REPLAN_EVERY = 1  # windows between plans
MIN_GAIN = -1.0  # relative fall of the busiest GPU's load that makes a layer's new plan worth its moves; -1 is any
CHANGED_LAYERS = 1.0  # share of layers that may change in one window, those with the greatest gain first
DISPATCH = EVEN  # how tokens choose among the replicas of their expert


def expected_loads(loads: Array, samples: Array) -> Array:
    """Tokens expected per expert in the coming window, (L, E), from loads (W, L, E) and samples (R, L, E)."""
    recent = loads[-max(int(HISTORY), 1) :].astype(np.float64)
    ages = np.arange(len(recent))[::-1]
    estimate = np.average(recent, axis=0, weights=max(DECAY, TINY) ** ages)
    if len(loads) > 1:
        estimate = estimate + TREND * (loads[-1].astype(np.float64) - loads[-2])
    if SAMPLE_WEIGHT and len(samples):
        estimate = estimate * (1.0 + SAMPLE_WEIGHT * variation(samples))
    return np.maximum(estimate, 0.0)


def variation(samples: Array) -> Array:
    """Standard deviation over mean of each expert's load between sampled iterations, (L, E)."""
    return samples.std(axis=0) / np.maximum(samples.mean(axis=0), 1.0)


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
        heat[layers, hottest] = expected[layers, hottest] / counts[layers, hottest] ** REPLICA_POWER
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


def keep_current(current_peaks: Array, planned_peaks: Array) -> Array:
    """Which layers keep the placement they have, (L,), from the busiest GPU's load before and after."""
    gain = (current_peaks - planned_peaks) / np.maximum(np.maximum(current_peaks, planned_peaks), TINY)
    may_change = np.zeros(gain.size, dtype=bool)
    may_change[np.argsort(-gain)[: int(np.ceil(CHANGED_LAYERS * gain.size))]] = True
    return (gain < MIN_GAIN) | ~may_change


def propose(expected: Array, placement: Array, window: int, config: dict) -> Array:
    """The placement wanted for the coming window, (L, P), given the current one."""
    if window % max(int(REPLAN_EVERY), 1):
        return placement
    experts = replicate(expected, config["slots"])
    weights = replica_loads(experts, expected) ** PACKING_POWER
    planned = np.take_along_axis(experts, pack(weights, config["gpus"]), axis=1)
    peaks = [busiest_gpu(rows, expected, config["gpus"]) for rows in (placement, planned)]
    return np.where(keep_current(*peaks)[:, None], placement, planned)


def share_weights(placement: Array, expected: Array) -> Array:
    """Relative share of its expert's tokens that each slot takes, (L, P); used while DISPATCH is SPLIT."""
    return np.ones(placement.shape)


class Policy:
    """The task's interface, one call per window. Any other method may stand here."""

    def __init__(self, config: dict) -> None:
        self.planner = Planner(config)

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """The placement for the coming window, from the loads of the windows so far."""
        return self.planner.plan(loads, samples, placement, window)


# EVOLVE-BLOCK-END


def replica_loads(placement: Array, expected: Array) -> Array:
    """Tokens per slot, (L, P), when an expert's replicas share evenly."""
    counts = np.zeros(expected.shape)
    np.add.at(counts, (np.arange(len(placement))[:, None], placement), 1.0)
    return np.take_along_axis(expected / np.maximum(counts, 1.0), placement, axis=1)


def busiest_gpu(placement: Array, expected: Array, num_gpus: int) -> Array:
    """Tokens on the busiest GPU of each layer, (L,)."""
    return replica_loads(placement, expected).reshape(len(placement), num_gpus, -1).sum(axis=2).max(axis=1)


class Planner:
    """Valid plans made of the functions above."""

    def __init__(self, config: dict) -> None:
        self.config = config

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """The placement for the coming window, and how tokens choose among replicas."""
        expected = np.nan_to_num(expected_loads(loads, samples))
        settled = _repair(propose(expected, placement, window, self.config), expected, self.config["gpus"])
        reply = {"placement": settled, "dispatch": int(DISPATCH)}
        if DISPATCH == SPLIT:
            reply["split"] = _normalised(share_weights(settled, expected), settled, expected.shape[1])
        return reply


def _normalised(weights: Array, placement: Array, num_experts: int) -> Array:
    """Shares, (L, P) float32, that are positive and sum to one over the replicas of each expert."""
    weights = np.clip(np.nan_to_num(weights), 1e-6, 1e6)
    layers = np.arange(len(placement))[:, None]
    totals = np.zeros((len(placement), num_experts))
    np.add.at(totals, (layers, placement), weights)
    return (weights / totals[layers, placement]).astype(np.float32)


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
