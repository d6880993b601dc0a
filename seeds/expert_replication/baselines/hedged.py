"""Replicas and GPUs chosen for many possible windows at once, not for one expected window.

Method: sample average approximation (Kleywegt, Shapiro and Homem-de-Mello, 2002) over the windows seen, the newest
heaviest. Replicas go by an expert's root mean square load over the snapshots, so that variance earns copies; each goes
to the GPU where the expected cube of the GPU's load grows least, so that experts that peak together are kept apart (the
covariances of FlashLB, github.com/vllm-project/vllm-ascend, without a normal assumption). GPUs are then matched to the
old ones by the experts they keep.
"""

import numpy as np

Array = np.ndarray

HISTORY = 8  # windows that count as snapshots
DECAY = 0.7  # weight of a snapshot relative to the next newer one
POWER = 3  # of a GPU's load in the sum that packing keeps low: large is nearer to the largest load


class Policy:
    """Replication and packing over snapshots, even dispatch."""

    def __init__(self, config: dict) -> None:
        self.slots, self.gpus = config["slots"], config["gpus"]

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """A plan from scratch for the snapshots, GPUs named so that most experts stay."""
        snapshots, chances = snapshots_of(loads)
        expected = np.einsum("s,sle->le", chances, snapshots)
        risk = np.sqrt(np.einsum("s,sle->le", chances, snapshots**2))
        wanted = _repair(pack_snapshots(risk, snapshots, chances, self.slots, self.gpus), expected, self.gpus)
        return {"placement": match_gpus(placement, wanted, self.gpus, expected.shape[1]).astype(np.int32)}


def snapshots_of(loads: Array) -> tuple[Array, Array]:
    """The newest windows, (S, L, E), each scaled to the newest one's total, and their weights, (S,)."""
    recent = loads[-HISTORY:].astype(np.float64)
    totals = recent.sum(axis=2, keepdims=True)
    weights = DECAY ** np.arange(len(recent))[::-1]
    return recent * (totals[-1] / np.maximum(totals, 1.0)), weights / weights.sum()


def pack_snapshots(risk: Array, snapshots: Array, chances: Array, num_slots: int, num_gpus: int) -> Array:
    """The placement, (L, P): riskiest replica first, to the GPU where the expected POWER of the load grows least."""
    experts = replicate(risk, num_slots)
    order = np.argsort(-replica_loads(experts, risk), axis=1, kind="stable")
    experts = np.take_along_axis(experts, order, axis=1)
    shares = np.stack([replica_loads(experts, snapshot) for snapshot in snapshots], axis=2)  # (L, P, S)
    layers, room = np.arange(len(risk)), num_slots // num_gpus
    scale = np.maximum(snapshots.sum(axis=2).max(axis=0) / num_gpus, 1e-12)
    shares /= scale[:, None, None]
    gpu_loads = np.zeros((len(risk), num_gpus, len(snapshots)))
    held = np.zeros((len(risk), num_gpus), dtype=np.int64)
    placed = np.zeros((len(risk), num_slots), dtype=np.int64)
    for rank in range(num_slots):
        growth = ((gpu_loads + shares[:, rank, None]) ** POWER - gpu_loads**POWER) @ chances
        gpu = np.where(held < room, growth, np.inf).argmin(axis=1)
        placed[layers, gpu * room + held[layers, gpu]] = experts[:, rank]
        held[layers, gpu] += 1
        gpu_loads[layers, gpu] += shares[:, rank]
    return placed


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
