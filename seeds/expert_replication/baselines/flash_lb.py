"""EPLB on risk instead of load, GPUs matched to the ones they resemble, and only in layers that have gone bad.

Method: after FlashLB (github.com/vllm-project/vllm-ascend): an expert counts as its mean plus z standard deviations
over the snapshots seen; new GPUs are matched to old ones by the experts they keep; a layer is planned anew once its
balance falls below a share of what it was after its last update. Left out: FlashLB's search over replica counts and its
covariances; the matching is greedy where FlashLB solves the assignment exactly.
"""

import numpy as np

Array = np.ndarray

RISK = 0.674  # standard deviations added: the upper quartile of a normal distribution
HISTORY = 4  # windows that count as snapshots
RELATIVE_TRIGGER = 0.9  # replan below this share of the balance after the last update
ABSOLUTE_TRIGGER = 0.85  # replan below this balance in any case


class Policy:
    """Risk-aware EPLB with a trigger per layer, even dispatch."""

    def __init__(self, config: dict) -> None:
        self.slots, self.gpus = config["slots"], config["gpus"]
        self.balance_then = np.ones(config["layers"])

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """The current placement, but for the layers that are due and would gain."""
        risk, newest = risk_loads(loads), loads[-1].astype(np.float64)
        balance = gpu_balance(placement, newest, self.gpus)
        due = (balance < RELATIVE_TRIGGER * self.balance_then) | (balance < ABSOLUTE_TRIGGER)
        wanted = _repair(eplb_global(risk, self.slots, self.gpus), risk, self.gpus)
        due &= gpu_balance(wanted, risk, self.gpus) > gpu_balance(placement, risk, self.gpus)
        settled = np.where(due[:, None], match_gpus(placement, wanted, self.gpus, newest.shape[1]), placement)
        self.balance_then = np.where(due, gpu_balance(settled, newest, self.gpus), self.balance_then)
        return {"placement": settled.astype(np.int32)}


def risk_loads(loads: Array) -> Array:
    """Mean plus RISK standard deviations of each expert's load, (L, E), over the newest windows."""
    recent = loads[-HISTORY:].astype(np.float64)
    return recent.mean(axis=0) + RISK * recent.std(axis=0)


def gpu_balance(placement: Array, expected: Array, num_gpus: int) -> Array:
    """Mean over max of the GPU loads, (L,); 1 in a layer without load."""
    gpu_loads = replica_loads(placement, expected).reshape(len(placement), num_gpus, -1).sum(axis=2)
    peak = gpu_loads.max(axis=1)
    return np.where(peak > 0.0, gpu_loads.mean(axis=1) / np.where(peak > 0.0, peak, 1.0), 1.0)


def match_gpus(placement: Array, wanted: Array, num_gpus: int, num_experts: int) -> Array:
    """`wanted`, (L, P), with GPUs renamed to those of `placement` that share most experts, best pair first."""
    layers = np.arange(len(placement))
    old, new = (host_table(rows, num_gpus, num_experts).astype(np.float32) for rows in (placement, wanted))
    kept = np.matmul(old.transpose(0, 2, 1), new)  # (L, G, G): experts that old GPU and new GPU share
    matched = np.empty((len(placement), num_gpus), dtype=np.int64)
    for _ in range(num_gpus):
        best = kept.reshape(len(placement), -1).argmax(axis=1)
        mine, theirs = best // num_gpus, best % num_gpus
        matched[layers, mine] = theirs
        kept[layers, mine] = kept[layers, :, theirs] = -1.0
    by_gpu = wanted.reshape(len(placement), num_gpus, -1)
    return np.take_along_axis(by_gpu, matched[:, :, None], axis=1).reshape(placement.shape)


def eplb_global(expected: Array, num_slots: int, num_gpus: int) -> Array:
    """The placement, (L, P), of DeepSeek's global policy for loads (L, E)."""
    experts = replicate(expected, num_slots)
    return np.take_along_axis(experts, pack(replica_loads(experts, expected), num_gpus), axis=1)


def host_table(rows: Array, num_gpus: int, num_experts: int) -> Array:
    """Which GPU holds which expert, (L, E, G)."""
    hosts = np.zeros((len(rows), num_experts, num_gpus), dtype=bool)
    hosts[np.arange(len(rows))[:, None], rows, np.arange(rows.shape[1]) // (rows.shape[1] // num_gpus)] = True
    return hosts


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
