"""Plays a placement: the tokens of every iteration visit the experts of one layer after another.

Shapes: T tokens, L layers, K experts per token, I iterations of B tokens (T = I * B), G GPUs, P slots over all GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.placement.cost import Floats, Network, flat_us, layer_us, relayed_us
from evaluators.placement.expert_topology.system import Residency, System
from evaluators.placement.expert_topology.traffic import Copies, Links, Whole, links


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Routing:
    """Some iterations of traced tokens: which experts they choose, the first choice first, and where they come from."""

    ids_TLK: Whole
    source_T: Whole  # the GPU that holds the token's sequence
    iterations: int

    @property
    def per_iteration(self) -> int:
        """Traced tokens of one iteration."""
        return len(self.ids_TLK) // self.iterations


@dataclass(frozen=True, slots=True, eq=False)
class LayerTimes:
    """One layer, by iteration; microseconds, and shares of what could travel."""

    compute_I: Floats  # of the busiest GPU
    balanced_I: Floats  # had all GPUs the mean
    exchange_I: Floats
    total_I: Floats
    away: float  # copies that leave their GPU, per token and expert chosen, there and back alike
    abroad: float  # those that leave their node


def layer_times(placement_LP: Whole, routing: Routing, system: System) -> list[LayerTimes]:
    """Every layer's time with this placement."""
    seats_T: Whole = routing.source_T.astype(np.int64)
    played = []
    for layer, placement_P in enumerate(placement_LP):
        ids_TK = routing.ids_TLK[:, layer].astype(np.int64)
        times, seats_T = play_layer(placement_P, ids_TK, seats_T, routing.iterations, system)
        played.append(times)
    return played


def play_layer(
    placement_P: Whole, ids_TK: Whole, seats_T: Whole, iterations: int, system: System
) -> tuple[LayerTimes, Whole]:
    """One layer's times, and where its tokens are after it."""
    network = system.network
    places_T = np.arange(seats_T.size) % (seats_T.size // iterations)
    copies = Copies.of(placement_P, system.experts, network)
    gpus_TK = copies.gpus(ids_TK, seats_T, places_T, network)
    next_T = gpus_TK[:, 0] if system.residency is Residency.FOLLOW else seats_T
    compute_IG = _compute_us(gpus_TK, ids_TK, iterations, system)
    exchange, away, abroad = _exchange_us(gpus_TK, seats_T, next_T, iterations, system)
    compute, balanced = compute_IG.max(axis=1), compute_IG.mean(axis=1)
    total = layer_us(compute, exchange, overlapped=system.overlapped)
    return LayerTimes(compute, balanced, exchange, total, away, abroad), next_T


def _compute_us(gpus_TK: Whole, ids_TK: Whole, iterations: int, system: System) -> Floats:
    """Expert compute of every GPU, ``(I, G)``."""
    gpus, experts = system.network.gpus, system.experts
    iteration_T = np.arange(len(ids_TK)) // (len(ids_TK) // iterations)
    cells = ((iteration_T[:, None] * gpus + gpus_TK) * experts + ids_TK).ravel()
    counts = np.bincount(cells, minlength=iterations * gpus * experts).astype(np.float64)
    weight = token_weight(len(ids_TK) // iterations, system)
    time_us = system.curve.time_us(weight * counts).reshape(iterations, gpus, experts)
    summed: Floats = system.fixed_us + time_us.sum(axis=2)
    return summed


def token_weight(per_iteration: int, system: System) -> float:
    """Tokens that one traced token stands for."""
    return system.tokens / per_iteration


def _exchange_us(
    gpus_TK: Whole, seats_T: Whole, next_T: Whole, iterations: int, system: System
) -> tuple[Floats, float, float]:
    """Dispatch and combine, ``(I,)``, and the shares of choices whose copies leave their GPU and node."""
    weight, network = token_weight(len(seats_T) // iterations, system), system.network
    out = links(seats_T, gpus_TK, network, iterations)
    if system.residency is Residency.HOME:
        return transfer_us(out, weight, network), *_shares((out,), gpus_TK.size)
    time_us = transfer_us(out, weight, system.one_way())
    if system.top_k == 1:
        return time_us, *_shares((out,), gpus_TK.size)
    back = links(next_T, gpus_TK, network, iterations)
    return time_us + transfer_us(back, weight, system.one_way()), *_shares((out, back), gpus_TK.size)


def transfer_us(copies: Links, weight: float, network: Network) -> Floats:
    """Time of one exchange."""
    combined = relayed_us if network.hierarchical else flat_us
    return combined(weight * copies.near_I, weight * copies.far_I, network)


def _shares(directions: tuple[Links, ...], choices: int) -> tuple[float, float]:
    near, far = (
        float(sum(total.sum() for total in totals)) / (choices * len(directions))
        for totals in zip(*((one.near_total_I, one.far_total_I) for one in directions), strict=True)
    )
    return near + far, far
