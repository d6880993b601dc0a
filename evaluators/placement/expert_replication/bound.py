"""A time that no valid plan beats, whatever its dispatch mode and cut layers, for given tokens per expert.

It adds (or overlaps) bounds of the two parts of a layer; moving weights and planning are bounded by nothing. Proofs are
in the docstrings; `tests/evaluators/placement/test_bound.py` tries random plans against them.

Shapes: I iterations, L layers, E experts, G GPUs, N nodes, P slots.
"""

from __future__ import annotations

import numpy as np

from evaluators.placement.cost import Floats, Visits, flat_us, group_visits, layer_us, relayed_us
from evaluators.placement.expert_replication.sharded import shard_compute_us, shard_exchange_us
from evaluators.placement.expert_replication.system import System


def bound_us(loads_ILE: Floats, system: System) -> Floats:
    """Least time of each layer, ``(I, L)``: of whole experts, or of cut ones, whose time no plan changes."""
    cut = layer_us(
        system.fixed_us + shard_compute_us(loads_ILE, system),
        shard_exchange_us(loads_ILE, system),
        overlapped=system.overlapped,
    )
    return np.minimum(_whole_us(loads_ILE, system), cut)


def _whole_us(loads_ILE: Floats, system: System) -> Floats:
    """Least time of each layer with whole experts, ``(I, L)``."""
    heaviest_first = -np.sort(-loads_ILE, axis=2)
    compute = system.fixed_us + _compute_us(loads_ILE, heaviest_first[..., 0], system)
    network = system.network
    if network.hierarchical:
        visits = group_visits(loads_ILE, system.top_k, network)
        exchange = _hierarchical_us(_deduplicated(loads_ILE, visits), visits, system)
    else:
        exchange = _flat_us(heaviest_first, system)
    return layer_us(compute, exchange, overlapped=system.overlapped)


def _compute_us(loads_ILE: Floats, hottest_IL: Floats, system: System) -> Floats:
    """The busiest GPU is no faster than the mean GPU, nor than the largest part of the hottest expert.

    All slots of an expert together take `ExpertCurve.floor_us` of its tokens at least. An expert has at most one slot
    per GPU, and at most P - E + 1 slots, since the other E - 1 experts need one each.
    """
    gpus = system.network.gpus
    mean: Floats = system.curve.floor_us(loads_ILE).sum(axis=2) / gpus
    most_copies = min(gpus, system.slots - system.experts + 1)
    return np.maximum(mean, system.curve.time_us(hottest_IL / most_copies))


def _flat_us(heaviest_first_ILE: Floats, system: System) -> Floats:
    """The busiest link carries no less than the mean link.

    An expert on n of N nodes is remote for a share 1 - n/N of its tokens at least (local first; other modes: 1 - 1/N).
    The nodes beyond the first are at most P - E over all experts and N - 1 for one, best spent on the hottest. The same
    holds for GPUs. Of what leaves a GPU, all that does not cross nodes is near, so the two bounds combine to one on
    max(near / b, far / c) >= (near + far) / (b + c).
    """
    network = system.network
    total = heaviest_first_ILE.sum(axis=2)
    far = _unavoidable(heaviest_first_ILE, total, network.nodes, system) / network.gpus
    away = _unavoidable(heaviest_first_ILE, total, network.gpus, system) / network.gpus
    both = network.intra_bytes_per_s + network.inter_bytes_per_s
    inter = np.maximum(far, away * network.inter_bytes_per_s / both)
    return flat_us(np.zeros_like(inter), inter, network)


def _unavoidable(heaviest_first_ILE: Floats, total_IL: Floats, parts: int, system: System) -> Floats:
    """Tokens that leave their part of the machine (of `parts` equal ones), over all sources, ``(I, L)``."""
    if parts == 1:
        return np.zeros_like(total_IL)
    spared = _heaviest(heaviest_first_ILE, (system.slots - system.experts) / (parts - 1))
    return (1 - 1 / parts) * (total_IL - spared)


def _heaviest(heaviest_first_ILE: Floats, count: float) -> Floats:
    """Sum of the `count` heaviest, a fraction of the last one included, ``(I, L)``."""
    whole = min(int(count), heaviest_first_ILE.shape[2])
    summed: Floats = heaviest_first_ILE[..., :whole].sum(axis=2)
    if whole < heaviest_first_ILE.shape[2]:
        summed += (count - whole) * heaviest_first_ILE[..., whole]
    return summed


def _deduplicated(loads_ILE: Floats, visits: Visits) -> Floats:
    """Choices per token of each expert, scaled so that a part of the machine that gets z of them is needed by at least
    1 - exp(-z) of the tokens; heaviest first, ``(I, L, E)``.

    Within a group used by a share v of the tokens, a part that gets x of the group's Z choices is needed by at least
    v (1 - exp(-x / v)) >= x v (1 - exp(-Z / v)) / Z of them: a concave function lies above its chord. Where v = 1 the
    exponents of several groups simply add, and no chord is needed.
    """
    choices = loads_ILE / visits.tokens_IL[..., None]
    grouped = choices.reshape(*visits.share_ILR.shape, visits.experts_per_group)
    total = np.maximum(grouped.sum(axis=3), 1e-12)
    chord = -np.expm1(-total / visits.share_ILR) * visits.share_ILR / total
    scale = np.where(visits.share_ILR >= 1.0, 1.0, chord)
    return -np.sort(-(grouped * scale[..., None]).reshape(choices.shape), axis=2)


def _hierarchical_us(choices_ILE: Floats, visits: Visits, system: System) -> Floats:
    """The busiest node and GPU are needed by no fewer tokens than the mean one.

    `choices_ILE` is heaviest first. What a token cannot find at home (see `_flat_us`) goes to parts of the machine that
    hold a limited number of experts; 1 - exp(-z) is concave, so the fewest are needed if the parts fill up one by one.
    """
    network = system.network
    total = choices_ILE.sum(axis=2)
    m, per_gpu = network.gpus_per_node, system.slots_per_gpu
    spared = _heaviest(choices_ILE, (system.slots - system.experts) / (network.gpus - 1)) * (1 - 1 / network.gpus)
    near = np.maximum((1 - 1 / m) * total - spared, 0.0)
    gpus = _fewest_touches(near, _heaviest(choices_ILE, per_gpu)) / network.gpus
    far = np.zeros_like(near)
    if network.nodes > 1:
        remote = _unavoidable(choices_ILE, total, network.nodes, system) / (1 - 1 / network.nodes)
        nodes = _fewest_touches(remote, _heaviest(choices_ILE, per_gpu * m)) / network.nodes
        far = visits.tokens_IL * (1 - 1 / network.nodes) / m * nodes
    return relayed_us(visits.tokens_IL * gpus, far, network)


def _fewest_touches(choices_IL: Floats, most_IL: Floats) -> Floats:
    """Sum of 1 - exp(-z) over parts whose z add to `choices_IL` and are `most_IL` at most: as few full ones as do."""
    most = np.maximum(most_IL, 1e-12)
    full = np.floor(choices_IL / most)
    rest = choices_IL - full * most
    touches: Floats = full * -np.expm1(-most) - np.expm1(-rest)
    return touches
