"""EPLB as vLLM runs it: seldom, on the last thousand steps, experts that stay on a GPU keeping their slots.

Method: expert-parallel load balancing of vLLM (github.com/vllm-project/vllm, distributed/eplb): DeepSeek's hierarchical
policy where the routing groups divide among the nodes, else the global one, on loads summed over 1000 steps (or as many
as the 16 windows of history have: 320 in `prefill-short`), every 3000 steps; within a GPU, experts that stay keep their
slots. In this task the order of a GPU's slots costs nothing, so the slots kept change no score: planned in every window
on the newest one, this is `eplb_hierarchical.py`.
What differs here is the rhythm. The first call plans, as an engine that has been serving for a while would have.
"""

import numpy as np

Array = np.ndarray

LOAD_STEPS = 1000  # steps whose loads are summed (vLLM's window_size)
INTERVAL_STEPS = 3000  # steps between two plans (vLLM's step_interval)


class Policy:
    """Hierarchical EPLB every INTERVAL_STEPS iterations, even dispatch."""

    def __init__(self, config: dict) -> None:
        self.slots, self.gpus = config["slots"], config["gpus"]
        self.groups, self.nodes = config["groups"], config["nodes"]
        if self.groups % self.nodes:
            self.groups = self.nodes = 1
        steps = config["iterations_per_window"]
        self.summed, self.interval = (-(-total // steps) for total in (LOAD_STEPS, INTERVAL_STEPS))
        self.calls = 0

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """The current placement, but for every interval's first call."""
        due = self.calls % self.interval == 0
        self.calls += 1
        if not due:
            return {"placement": placement}
        expected = loads[-self.summed :].sum(axis=0).astype(np.float64)
        wanted = eplb_hierarchical(expected, self.slots, self.groups, self.nodes, self.gpus, repaired=True)
        return {"placement": keep_slots(placement, _repair(wanted, expected, self.gpus), self.gpus)}


def keep_slots(placement: Array, wanted: Array, num_gpus: int) -> Array:
    """`wanted`, (L, P), with the experts that a GPU holds already in the slots they have there; the rest in order."""
    old = placement.reshape(-1, wanted.shape[1] // num_gpus)
    new = wanted.reshape(old.shape)
    stays_in = old[:, :, None] == new[:, None, :]  # (L * G, S, S): the expert of an old slot is in a new one
    free = np.argsort(stays_in.any(axis=2), axis=1, kind="stable")  # slots that are free, in order, then the others
    comes = np.argsort(stays_in.any(axis=1), axis=1, kind="stable")
    arriving = np.empty_like(new)
    np.put_along_axis(arriving, free, np.take_along_axis(new, comes, axis=1), axis=1)
    return np.where(stays_in.any(axis=2), old, arriving).reshape(placement.shape)


def eplb_hierarchical(
    expected: Array, num_slots: int, num_groups: int, num_nodes: int, num_gpus: int, *, repaired: bool = False
) -> Array:
    """The placement, (L, P), of DeepSeek's hierarchical policy for loads (L, E); `num_nodes` divides `num_groups`."""
    num_layers, num_experts = expected.shape
    members = node_members(expected, num_groups, num_nodes)
    within = np.take_along_axis(expected, members, axis=1).reshape(num_layers * num_nodes, -1)
    planned = eplb_global(within, num_slots // num_nodes, num_gpus // num_nodes)
    if repaired:
        planned = _repair(planned, within, num_gpus // num_nodes)
    members = members.reshape(num_layers * num_nodes, num_experts // num_nodes)
    return np.take_along_axis(members, planned.astype(np.int64), axis=1).reshape(num_layers, num_slots)


def node_members(expected: Array, num_groups: int, num_nodes: int) -> Array:
    """Experts in node order, (L, E): whole groups, packed onto the nodes by load."""
    num_layers, num_experts = expected.shape
    groups = pack(expected.reshape(num_layers, num_groups, -1).sum(axis=2), num_nodes)
    size = num_experts // num_groups
    return (groups[:, :, None] * size + np.arange(size)).reshape(num_layers, num_experts)


def eplb_global(expected: Array, num_slots: int, num_gpus: int) -> Array:
    """The placement, (L, P), of DeepSeek's global policy for loads (L, E)."""
    experts = replicate(expected, num_slots)
    return np.take_along_axis(experts, pack(replica_loads(experts, expected), num_gpus), axis=1)


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
