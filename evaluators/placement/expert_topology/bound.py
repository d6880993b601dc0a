"""A time that no valid placement beats on given tokens.

A layer takes its compute and its exchange, or the longer of them; each is bounded below, and what bounds them is in
`together.py`. Means over iterations: the mean of the busiest is no less than the busiest of the means, so the exchange
is bounded from the counts of all iterations together.

Shapes: T tokens, L layers, K experts per token, E experts, G GPUs, I iterations of B tokens (T = I * B).
"""

from __future__ import annotations

import numpy as np

from evaluators.placement.cost import Floats, Network, flat_us, layer_us, relayed_us
from evaluators.placement.expert_topology.journey import Routing, token_weight
from evaluators.placement.expert_topology.reach import Reach, Seats, at_first_expert, at_previous, at_source
from evaluators.placement.expert_topology.system import Residency, System
from evaluators.placement.expert_topology.traffic import Whole


def bound_us(routing: Routing, system: System) -> Floats:
    """Least mean time of every layer, ``(L,)``."""
    found = []
    for layer in range(system.layers):
        ids_TK = routing.ids_TLK[:, layer].astype(np.int64)
        compute = system.fixed_us + least_compute_us(ids_TK, routing.iterations, system)
        exchange = _exchange_us(layer, routing, system)
        found.append(float(layer_us(np.array(compute), np.array(exchange), overlapped=system.overlapped)))
    return np.array(found)


def least_compute_us(ids_TK: Whole, iterations: int, system: System) -> float:
    """Mean over iterations of what the busiest GPU computes, at least.

    It is no less than the mean GPU, nor than the largest part of the hottest expert, which has at most one copy per GPU
    and one more than there are spare slots. Without spare slots every GPU has S experts, each whole: of the j G + 1
    hottest ones, some GPU has j + 1 or more, beside S - j - 1 others.
    """
    per_iteration = len(ids_TK) // iterations
    cells = np.arange(len(ids_TK))[:, None] // per_iteration * system.experts + ids_TK
    counts_IE = np.bincount(cells.ravel(), minlength=iterations * system.experts).reshape(iterations, -1)
    tokens_IE: Floats = token_weight(per_iteration, system) * -np.sort(-counts_IE.astype(np.float64), axis=1)
    gpus = system.network.gpus
    mean_I = system.curve.floor_us(tokens_IE).sum(axis=1) / gpus
    hottest_I = system.curve.time_us(tokens_IE[:, 0] / _most_copies(system))
    least_I = np.maximum(mean_I, hottest_I)
    if system.spare == 0:
        least_I = np.maximum(least_I, _crowded(system.curve.time_us(tokens_IE), gpus, system.slots_per_gpu))
    return float(least_I.mean())


def _crowded(times_IE: Floats, gpus: int, slots: int) -> Floats:
    """The pigeonhole bound, ``(I,)``; `times_IE` are those of whole experts, longest first."""
    found = np.zeros(len(times_IE))
    for crowd in range(1, slots + 1):
        hot = (crowd - 1) * gpus + 1  # so many hottest experts put `crowd` of themselves on one GPU
        others = times_IE[:, times_IE.shape[1] - (slots - crowd) :].sum(axis=1)
        found = np.maximum(found, times_IE[:, hot - crowd : hot].sum(axis=1) + others)
    return found


def _most_copies(system: System) -> int:
    return min(system.network.gpus, system.spare + 1)


def _exchange_us(layer: int, routing: Routing, system: System) -> float:
    """Dispatch and combine of one layer, at least."""
    ids_TK = routing.ids_TLK[:, layer].astype(np.int64)
    if system.residency is Residency.HOME:
        seats = at_source(routing.source_T, ids_TK, system)
        return _transfer_us(seats, routing, system, system.network)
    if layer:
        seats = at_previous(routing.ids_TLK[:, layer - 1, 0].astype(np.int64), ids_TK, system)
    else:
        seats = at_source(routing.source_T, ids_TK, system)
    out_us = _transfer_us(seats, routing, system, system.one_way())
    if system.top_k == 1:
        return out_us
    return out_us + _transfer_us(at_first_expert(ids_TK, system), routing, system, system.one_way())


def _transfer_us(seats: Seats, routing: Routing, system: System, network: Network) -> float:
    reach = Reach(seats, system)
    scale = token_weight(routing.per_iteration, system) / routing.iterations
    if network.hierarchical:
        near, far = (scale * _per_link(*found, network) for found in (reach.within_nodes(), reach.between_nodes()))
        return float(relayed_us(np.array(near), np.array(far), network))
    away = scale * _per_link(*reach.off_gpus(), network)
    if network.nodes == 1:
        return float(flat_us(np.array(away), np.array(0.0), network))
    far = scale * _per_link(*reach.off_nodes(), network)
    return float(flat_us(*_shared(away, far, network), network))


def _shared(away: float, far: float, network: Network) -> tuple[Floats, Floats]:
    """Copies near and far, where `away` bounds their sum on a link: max(n / b, f / c) >= (n + f) / (b + c)."""
    both = network.intra_bytes_per_s + network.inter_bytes_per_s
    return np.array(0.0), np.array(max(far, away * network.inter_bytes_per_s / both))


def _per_link(total: float, hot: float, network: Network) -> float:
    """Copies on the busiest link, at least: by the mean, and by the hottest expert."""
    return max(total / network.gpus, hot)
