"""The current placement with a few edits per layer, so that few weights move.

Method: local search from the incumbent under a move budget. EPLB plans from scratch and relocates nearly every replica
even when the load stands still. As in SwiftBalancer (github.com/vllm-project/vllm-ascend) the placement stays, spare
slots follow the load, and swaps with the busiest GPU even out the rest. A slot passes from the expert that misses it
least to the one with the busiest replicas, where the difference is worth it (one expert moves); a swap moves two. All
layers search at once.
"""

import numpy as np

Array = np.ndarray

MOVES = 24  # experts that may move per layer and window
REPLICA_MOVES = 12  # of these, slots that may pass from one expert to another
MIN_HEAT = 0.35  # load, as a share of the mean GPU load, from which a replica is busy enough to be relieved
MIN_GAIN = 0.02  # a swap must lower the busiest GPU by this share of the mean GPU load
DECAY = 0.25  # weight of a window relative to the next newer one


class Policy:
    """Edits of the current placement for the averaged loads, even dispatch."""

    def __init__(self, config: dict) -> None:
        self.gpus = config["gpus"]

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """The current placement, at most MOVES slots per layer changed."""
        expected = moving_average(loads)
        edited, moved = pass_on_slots(placement, expected, self.gpus)
        return {"placement": swap_slots(edited, expected, self.gpus, MOVES - moved)}


def moving_average(loads: Array) -> Array:
    """Average load, (L, E), of the windows (W, L, E); weights fall by DECAY per window of age."""
    ages = np.arange(len(loads))[::-1]
    return np.average(loads, axis=0, weights=DECAY**ages)


def pass_on_slots(placement: Array, expected: Array, num_gpus: int) -> tuple[Array, Array]:
    """`placement`, (L, P), with slots passed on to the busiest experts, and the number passed on per layer, (L,)."""
    placement, active = placement.copy(), np.arange(len(placement))
    moved = np.zeros(len(placement), dtype=np.int64)
    for _ in range(min(REPLICA_MOVES, MOVES)):
        slots, experts, worth = best_passes(placement[active], expected[active], num_gpus)
        if not worth.any():
            break
        active = active[worth]
        placement[active, slots[worth]] = experts[worth]
        moved[active] += 1
    return placement, moved


def best_passes(rows: Array, expected: Array, num_gpus: int) -> tuple[Array, Array, Array]:
    """Per layer: the slot to pass on, the expert with the busiest replicas to take it, and whether that is worth it."""
    num_layers, num_slots = rows.shape
    layers, gpu_of = np.arange(num_layers), np.arange(num_slots) // (num_slots // num_gpus)
    weights, hosts = replica_loads(rows, expected), host_table(rows, num_gpus, expected.shape[1])
    counts = hosts.sum(axis=2)
    taker = (expected / counts).argmax(axis=1)
    missed = np.where(counts > 1, expected / np.maximum(counts - 1, 1), np.inf)[layers[:, None], rows]
    missed[hosts[layers, taker][:, gpu_of]] = np.inf  # (L, P): that GPU has the expert already
    least = missed.min(axis=1)
    room = np.repeat(weights.reshape(num_layers, num_gpus, -1).sum(axis=2), num_slots // num_gpus, axis=1) - weights
    slot = np.where(missed == least[:, None], room, np.inf).argmin(axis=1)
    heat = (expected / counts)[layers, taker]
    return slot, taker, (heat > least) & (heat > MIN_HEAT * expected.sum(axis=1) / num_gpus)


def swap_slots(placement: Array, expected: Array, num_gpus: int, budget: Array) -> Array:
    """`placement`, (L, P), after the best swaps, at most `budget` // 2 per layer; it stays valid."""
    placement, open_layers = placement.copy(), np.flatnonzero(budget > 1)
    while open_layers.size:
        rows = placement[open_layers]
        mine, theirs, gain = best_swaps(rows, expected[open_layers], num_gpus)
        worth = gain > MIN_GAIN * expected[open_layers].sum(axis=1) / num_gpus
        open_layers, rows, mine, theirs = open_layers[worth], rows[worth], mine[worth], theirs[worth]
        layers = np.arange(len(rows))
        placement[open_layers, mine], placement[open_layers, theirs] = rows[layers, theirs], rows[layers, mine]
        budget[open_layers] -= 2
        open_layers = open_layers[budget[open_layers] > 1]
    return placement


def best_swaps(rows: Array, expected: Array, num_gpus: int) -> tuple[Array, Array, Array]:
    """Per layer: a slot of the busiest GPU, the slot to swap it with, and by how much the busier of the two falls."""
    num_layers, num_slots = rows.shape
    layers, per_gpu = np.arange(num_layers), num_slots // num_gpus
    weights = replica_loads(rows, expected)
    gpu_loads = weights.reshape(num_layers, num_gpus, per_gpu).sum(axis=2)
    busiest = gpu_loads.argmax(axis=1)
    own = busiest[:, None] * per_gpu + np.arange(per_gpu)  # (L, S) slots of the busiest GPU
    shift = weights[layers[:, None], own][:, :, None] - weights[:, None, :]  # (L, S, P)
    partner_after = np.repeat(gpu_loads, per_gpu, axis=1)[:, None, :] + shift
    after = np.maximum(gpu_loads.max(axis=1)[:, None, None] - shift, partner_after)
    after[clashes(rows, own, num_gpus, expected.shape[1])] = np.inf
    best = after.reshape(num_layers, -1).argmin(axis=1)
    gain = gpu_loads.max(axis=1) - after.reshape(num_layers, -1)[layers, best]
    return own[layers, best // num_slots], best % num_slots, gain


def clashes(rows: Array, own: Array, num_gpus: int, num_experts: int) -> Array:
    """Which pairs, (L, S, P), would put an expert twice on a GPU."""
    num_layers, num_slots = rows.shape
    layers, gpu_of = np.arange(num_layers)[:, None], np.arange(num_slots) // (num_slots // num_gpus)
    hosts = host_table(rows, num_gpus, num_experts)
    leaves_for_host = np.repeat(hosts[layers, rows[layers, own]], num_slots // num_gpus, axis=2)
    comes_to_host = hosts[layers, rows, gpu_of[own[:, :1]]]
    return leaves_for_host | comes_to_host[:, None, :]


def host_table(rows: Array, num_gpus: int, num_experts: int) -> Array:
    """Which GPU holds which expert, (L, E, G)."""
    hosts = np.zeros((len(rows), num_experts, num_gpus), dtype=bool)
    hosts[np.arange(len(rows))[:, None], rows, np.arange(rows.shape[1]) // (rows.shape[1] // num_gpus)] = True
    return hosts


def replica_loads(placement: Array, expected: Array) -> Array:
    """Tokens per slot, (L, P), when an expert's replicas share evenly."""
    counts = np.zeros(expected.shape)
    np.add.at(counts, (np.arange(len(placement))[:, None], placement), 1.0)
    return np.take_along_axis(expected / np.maximum(counts, 1.0), placement, axis=1)
