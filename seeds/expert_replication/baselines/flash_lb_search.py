"""FlashLB with its search: replica counts tried group by group, packing on mean plus deviation with covariances.

Method: FlashLB (github.com/vllm-project/vllm-ascend, eplb policies). An expert's risk is its mean plus z standard
deviations over the snapshots. Experts, riskiest first, are cut into DEPTH groups. For one group after the other several
numbers of extra replicas are tried around what the greedy rule (next replica to the largest risk per replica) gives;
the greedy rule spends the rest on the groups to come. Each trial packs all replicas, heaviest first, on the GPU with
the least mean plus z deviations, covariances included, and scores the mean over snapshots of the busiest GPU's share;
the best number is kept. GPUs are matched to the old ones by an optimal assignment. Layers are due as in `flash_lb.py`,
which leaves out this search. Bounded here: every REACH-th number within SPAN of the greedy one and the MOST_LAYERS
worst layers per call, where FlashLB tries every number and has a process of its own.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

Array = np.ndarray

RISK = 0.674  # standard deviations added: the upper quartile of a normal distribution
HISTORY = 4  # windows that count as snapshots
DEPTH = 4  # groups of experts whose replica counts are chosen one after the other
SPAN, REACH = 8, 4  # extra replicas tried beside the greedy number, and the step between two trials
MOST_LAYERS = 16  # planned anew in one call, the least balanced first
RELATIVE_TRIGGER = 0.9  # a layer is due below this share of the balance after its last update
ABSOLUTE_TRIGGER = 0.85  # and below this balance in any case


class Policy:
    """FlashLB's search in the layers that are due, even dispatch."""

    def __init__(self, config: dict) -> None:
        self.gpus = config["gpus"]
        self.balance_then = np.ones(config["layers"])

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """The current placement, but for the layers that are due and would gain."""
        snapshots, newest = loads[-HISTORY:].astype(np.float64), loads[-1].astype(np.float64)
        balance = gpu_balance(placement, newest, self.gpus)
        due = (balance < RELATIVE_TRIGGER * self.balance_then) | (balance < ABSOLUTE_TRIGGER)
        chosen = np.argsort(np.where(due, balance, np.inf), kind="stable")[: min(MOST_LAYERS, int(due.sum()))]
        if not chosen.size:
            return {"placement": placement}
        settled = placement.copy()
        wanted = searched(snapshots[:, chosen], placement.shape[1], self.gpus)
        settled[chosen] = better(placement[chosen], wanted, snapshots[:, chosen], self.gpus)
        self.balance_then[chosen] = gpu_balance(settled[chosen], newest[chosen], self.gpus)
        return {"placement": settled}


def better(rows: Array, wanted: Array, snapshots: Array, num_gpus: int) -> Array:
    """`wanted`, (L, P), repaired and matched to `rows`, in the layers where the snapshots would have gained."""
    expected = snapshots.mean(axis=0)
    matched = assigned(rows, _repair(wanted, expected, num_gpus), num_gpus, expected.shape[1])
    before, after = (np.mean([gpu_balance(r, s, num_gpus) for s in snapshots], axis=0) for r in (rows, matched))
    return np.where((after > before)[:, None], matched, rows)


def assigned(rows: Array, wanted: Array, num_gpus: int, num_experts: int) -> Array:
    """`wanted`, (L, P), with GPUs renamed so that as many experts as possible stay where `rows` has them."""
    by_gpu, matched = wanted.reshape(len(rows), num_gpus, -1), np.empty_like(wanted)
    old, new = (host_table(r, num_gpus, num_experts).astype(np.float32) for r in (rows, wanted))
    kept = np.matmul(old.transpose(0, 2, 1), new)
    for layer, pairs in enumerate(kept):
        matched[layer] = by_gpu[layer, linear_sum_assignment(-pairs)[1]].ravel()
    return matched


def searched(snapshots: Array, num_slots: int, num_gpus: int) -> Array:
    """The placement, (L, P), that the search over replica counts ends with, for snapshots (S, L, E)."""
    _, num_layers, num_experts = snapshots.shape
    risk = snapshots.mean(axis=0) + RISK * snapshots.std(axis=0)
    group_of = np.empty(risk.shape, dtype=np.int64)
    np.put_along_axis(
        group_of, np.argsort(-risk, axis=1, kind="stable"), np.arange(num_experts) * DEPTH // num_experts, 1
    )
    extra = np.zeros(risk.shape, dtype=np.int64)
    best, score = np.zeros((num_layers, num_slots), dtype=np.int64), np.full(num_layers, np.inf)
    for group in range(DEPTH):
        trials = [counts_tried(risk, extra, group_of, group, num_slots, step) for step in range(-SPAN, SPAN + 1, REACH)]
        counts = np.concatenate(trials)
        placed, peaks = pack_risk(np.tile(snapshots, (1, len(trials), 1)), 1 + counts, num_slots, num_gpus)
        winner = peaks.reshape(len(trials), num_layers).argmin(axis=0) * num_layers + np.arange(num_layers)
        improved = peaks[winner] < score
        best[improved], score[improved] = placed[winner][improved], peaks[winner][improved]
        extra = np.where(group_of <= group, counts[winner], 0)
    return best


def counts_tried(risk: Array, extra: Array, group_of: Array, group: int, num_slots: int, step: int) -> Array:
    """Extra replicas, (L, E): as `extra` before `group`, `step` more than greedy in it, greedy in the groups after."""
    spare = num_slots - risk.shape[1] - extra.sum(axis=1)
    greedy = spend(risk, extra, group_of >= group, spare)
    in_group = np.where(group_of == group, greedy, 0).sum(axis=1)
    wanted = np.clip(in_group + step, 0, spare)
    wanted = np.where((group_of > group).any(axis=1), wanted, spare)
    chosen = spend(risk, extra, group_of == group, wanted)
    return spend(risk, chosen, group_of > group, spare - wanted)


def spend(risk: Array, extra: Array, allowed: Array, budget: Array) -> Array:
    """`extra`, (L, E), after `budget` (L,) more replicas, each to the allowed expert of largest risk per replica."""
    extra, layers = extra.copy(), np.arange(len(risk))
    heat = np.where(allowed, risk / (1 + extra), -1.0)
    for spent in range(int(budget.max(initial=0))):
        hottest = heat.argmax(axis=1)
        extra[layers, hottest] += spent < budget
        heat[layers, hottest] = np.where(
            allowed[layers, hottest], risk[layers, hottest] / (1 + extra[layers, hottest]), -1
        )
    return extra


def pack_risk(snapshots: Array, counts: Array, num_slots: int, num_gpus: int) -> tuple[Array, Array]:
    """Placement, (L, P), heaviest replica first to the GPU of least risk, and the busiest GPU's mean share, (L,)."""
    num_snapshots, num_layers, num_experts = snapshots.shape
    layers, room = np.arange(num_layers), num_slots // num_gpus
    experts = np.stack([np.repeat(np.arange(num_experts), row) for row in counts])
    shares = (snapshots / counts)[:, layers[:, None], experts].transpose(1, 2, 0)  # (L, P, S)
    risk = shares.mean(axis=2) + RISK * shares.std(axis=2)
    order = np.argsort(-risk, axis=1, kind="stable")
    experts, shares = np.take_along_axis(experts, order, 1), np.take_along_axis(shares, order[:, :, None], 1)
    gpu_loads = np.zeros((num_layers, num_gpus, num_snapshots))
    hosts = np.zeros((num_layers, num_experts, num_gpus), dtype=bool)
    held, placed = np.zeros((num_layers, num_gpus), dtype=np.int64), np.zeros((num_layers, num_slots), dtype=np.int64)
    for rank in range(num_slots):
        after = gpu_loads + shares[:, rank, None]
        mean = after.mean(axis=2)
        spread = np.sqrt(np.maximum(np.einsum("lgs,lgs->lg", after, after) / num_snapshots - mean**2, 0.0))
        again = np.where(
            hosts[layers, experts[:, rank]], 1e30, 0.0
        )  # a second copy on a GPU only if nothing else is free
        gpu = np.where(held < room, mean + RISK * spread + again, np.inf).argmin(axis=1)
        placed[layers, gpu * room + held[layers, gpu]] = experts[:, rank]
        held[layers, gpu] += 1
        hosts[layers, experts[:, rank], gpu] = True
        gpu_loads[layers, gpu] = after[layers, gpu]
    return placed, (gpu_loads.max(axis=1) / np.maximum(gpu_loads.sum(axis=1), 1e-12)).mean(axis=1)


def gpu_balance(placement: Array, expected: Array, num_gpus: int) -> Array:
    """Mean over max of the GPU loads, (L,); 1 in a layer without load."""
    gpu_loads = replica_loads(placement, expected).reshape(len(placement), num_gpus, -1).sum(axis=2)
    peak = gpu_loads.max(axis=1)
    return np.where(peak > 0.0, gpu_loads.mean(axis=1) / np.where(peak > 0.0, peak, 1.0), 1.0)


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
