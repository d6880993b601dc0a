"""First copies stay, spare slots are given away anew, and a bounded number of swaps evens out the rest.

Method: SwiftBalancer (github.com/vllm-project/vllm-ascend, eplb policies) by its own rules, for all layers at once. The
first copy of every expert stays. The other slots go to the experts with the busiest replicas, heaviest first to the
least loaded rank that lacks the expert, no two from the same sender to the same rank. Then at most MAX_SWAPS swaps
between the hottest rank and others, coldest first, never with an expert that has just arrived, nor between a pair of
ranks used before. A layer is changed only if its busiest rank gains, and any at all only if the sum of all busiest
ranks falls by MIN_TOTAL_GAIN. Public code takes the mean rank load from the first layer; here each layer has its own.
"""

import numpy as np

Array = np.ndarray

MAX_SWAPS = 100  # per layer
SWAP_GAIN = 0.01  # a swap must lower the busiest rank by this share of the mean rank load
BALANCED = 1.01  # layers with a busiest rank below this multiple of the mean are left alone
MIN_TOTAL_GAIN = 0.05  # share by which the sum of the busiest ranks over layers must fall


class Policy:
    """SwiftBalancer on the newest window, even dispatch."""

    def __init__(self, config: dict) -> None:
        self.gpus = config["gpus"]

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """The current placement, edited in the layers that gain, if together they gain enough."""
        expected = loads[-1].astype(np.float64)
        edited, links = give_away_spares(placement, expected, self.gpus)
        edited = _repair(swap(placement, edited, expected, links), expected, self.gpus)
        peaks, after = (busiest_rank(rows, expected, self.gpus) for rows in (placement, edited))
        better = (after < peaks) & (peaks * self.gpus >= BALANCED * expected.sum(axis=1))
        worth = np.where(better, peaks - after, 0.0).sum() > MIN_TOTAL_GAIN * peaks.sum()
        return {"placement": np.where((better & worth)[:, None], edited, placement).astype(np.int32)}


def busiest_rank(rows: Array, expected: Array, num_gpus: int) -> Array:
    """Load of the busiest rank of each layer, (L,)."""
    return replica_loads(rows, expected).reshape(len(rows), num_gpus, -1).sum(axis=2).max(axis=1)


def give_away_spares(placement: Array, expected: Array, num_gpus: int) -> tuple[Array, Array]:
    """`placement`, (L, P), with all but first copies given away anew, and the rank pairs used for it, (L, G, G)."""
    num_layers, num_slots = placement.shape
    layers, per_gpu = np.arange(num_layers), num_slots // num_gpus
    home, rows = first_copies(placement, expected.shape[1])
    heat, hosts, load = first_copy_state(rows, expected, num_slots, num_gpus)
    links = np.tile(np.eye(num_gpus, dtype=bool), (num_layers, 1, 1))
    for expert, weight in zip(*spare_copies(expected, num_slots), strict=True):
        sender = home[layers, expert] // per_gpu
        free = (rows < 0).reshape(num_layers, num_gpus, per_gpu)
        closed = ~free.any(axis=2) | hosts[layers, expert] | links[layers, sender]
        gpu = np.where(closed, np.inf, load).argmin(axis=1)
        fits = np.flatnonzero(~closed[layers, gpu])
        slot = gpu * per_gpu + free[layers, gpu].argmax(axis=1)
        rows[fits, slot[fits]] = expert[fits]
        hosts[fits, expert[fits], gpu[fits]] = links[fits, sender[fits], gpu[fits]] = True
        load[fits, gpu[fits]] += weight[fits]
    return fill(rows, heat, hosts, per_gpu), links


def first_copies(placement: Array, num_experts: int) -> tuple[Array, Array]:
    """The slot of every expert's first copy, (L, E), and the placement, (L, P), with -1 in all other slots."""
    num_layers, num_slots = placement.shape
    layers = np.arange(num_layers)[:, None]
    home = np.empty((num_layers, num_experts), dtype=np.int64)
    home[layers, placement[:, ::-1]] = np.arange(num_slots)[::-1]  # the last to be written is the first slot
    rows = np.full(placement.shape, -1)
    np.put_along_axis(rows, home, np.arange(num_experts)[None, :], axis=1)
    return home, rows


def first_copy_state(rows: Array, expected: Array, num_slots: int, num_gpus: int) -> tuple[Array, Array, Array]:
    """Load per replica-to-be of each expert, (L, E), who holds a first copy, (L, E, G), and loads so far, (L, G)."""
    planned = replicate(expected, num_slots)
    heat = np.zeros(expected.shape)
    np.put_along_axis(heat, planned, replica_loads(planned, expected), axis=1)
    gpu_of = np.arange(num_slots) // (num_slots // num_gpus)
    held = np.where(rows < 0, 0.0, np.take_along_axis(heat, np.maximum(rows, 0), axis=1))
    hosts = np.zeros((*expected.shape, num_gpus), dtype=bool)
    layer, slot = np.nonzero(rows >= 0)
    hosts[layer, rows[layer, slot], gpu_of[slot]] = True
    return heat, hosts, held.reshape(len(rows), num_gpus, -1).sum(axis=2)


def spare_copies(expected: Array, num_slots: int) -> tuple[Array, Array]:
    """Experts that earn the spare slots and their load per replica, (P - E, L) each, heaviest first."""
    planned = replicate(expected, num_slots)
    extra, weights = (part[:, expected.shape[1] :] for part in (planned, replica_loads(planned, expected)))
    order = np.argsort(-weights, axis=1, kind="stable")
    return tuple(np.take_along_axis(part, order, axis=1).T for part in (extra, weights))


def fill(rows: Array, heat: Array, hosts: Array, per_gpu: int) -> Array:
    """`rows`, (L, P), with every slot left over given to the hottest expert that its rank lacks."""
    for slot in np.flatnonzero((rows < 0).any(axis=0)):
        layers = np.flatnonzero(rows[:, slot] < 0)
        expert = np.where(hosts[layers, :, slot // per_gpu], -1.0, heat[layers]).argmax(axis=1)
        rows[layers, slot] = expert
        hosts[layers, expert, slot // per_gpu] = True
    return rows


def swap(placement: Array, rows: Array, expected: Array, links: Array) -> Array:
    """`rows`, (L, P), after the swaps that the rules allow; `links`, (L, G, G), are the rank pairs already used."""
    num_gpus = links.shape[1]
    held = host_table(placement, num_gpus, expected.shape[1])
    rows, open_layers = rows.copy(), np.arange(len(rows))
    for _ in range(MAX_SWAPS):
        if not open_layers.size:
            break
        mine, theirs, worth = next_swaps(
            rows[open_layers], expected[open_layers], links[open_layers], held[open_layers]
        )
        open_layers, mine, theirs = open_layers[worth], mine[worth], theirs[worth]
        here, there = (slots // (rows.shape[1] // num_gpus) for slots in (mine, theirs))
        links[open_layers, here, there] = links[open_layers, there, here] = True
        rows[open_layers, mine], rows[open_layers, theirs] = rows[open_layers, theirs], rows[open_layers, mine]
    return rows


def next_swaps(rows: Array, expected: Array, links: Array, held: Array) -> tuple[Array, Array, Array]:
    """Per layer: a slot of the busiest rank, its partner's on the coldest rank that gains enough, and whether one does.

    An expert that the rank did not hold before this round (`held`, (L, E, G)) has just arrived and stays.
    """
    num_layers, num_gpus = links.shape[:2]
    layers, per_gpu = np.arange(num_layers), rows.shape[1] // num_gpus
    weights = replica_loads(rows, expected)
    load = weights.reshape(num_layers, num_gpus, per_gpu).sum(axis=2)
    busiest = load.argmax(axis=1)
    own = busiest[:, None] * per_gpu + np.arange(per_gpu)
    shift = weights[layers[:, None], own][:, :, None] - weights[:, None, :]  # (L, S, P)
    after = np.maximum(load.max(axis=1)[:, None, None] - shift, np.repeat(load, per_gpu, axis=1)[:, None, :] + shift)
    after[fixed_pairs(rows, own, links, held)] = np.inf
    by_rank = after.reshape(num_layers, per_gpu, num_gpus, per_gpu).transpose(0, 2, 1, 3).reshape(*load.shape, -1)
    enough = load.max(axis=1) - SWAP_GAIN * expected.sum(axis=1) / num_gpus
    gains = by_rank.min(axis=2) < enough[:, None]
    partner = np.where(gains, load, np.inf).argmin(axis=1)
    mine, theirs = np.divmod(by_rank[layers, partner].argmin(axis=1), per_gpu)
    return own[layers, mine], partner * per_gpu + theirs, gains.any(axis=1)


def fixed_pairs(rows: Array, own: Array, links: Array, held: Array) -> Array:
    """Which pairs of slots, (L, S, P), the rules forbid: used rank pairs, fresh arrivals, an expert twice on a rank."""
    num_layers, num_slots = rows.shape
    num_gpus = links.shape[1]
    layers, gpu_of = np.arange(num_layers)[:, None], np.arange(num_slots) // (num_slots // num_gpus)
    hosts = host_table(rows, num_gpus, held.shape[1])
    fresh = ~held[layers, rows, gpu_of]
    here = gpu_of[own[:, :1]]
    return (
        hosts[layers, rows[layers, own]][:, :, gpu_of]
        | (hosts[layers, rows, here] | fresh | links[layers, here, gpu_of])[:, None, :]
        | np.take_along_axis(fresh, own, axis=1)[:, :, None]
    )


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
