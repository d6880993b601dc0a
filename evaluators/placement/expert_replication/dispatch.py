"""How the tokens of an expert choose among its copies, and the flows between GPUs that follow.

Shapes: I iterations, L layers, E experts, G GPUs, N nodes, P slots over all GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from evaluators.placement.cost import Floats, Flows, Integers, Network, per_part, presence
from evaluators.placement.expert_replication.balanced_split import min_max_shares


class Dispatch(IntEnum):
    """What a program may name as ``dispatch``."""

    EVEN = 0
    SPLIT = 1
    LP = 2
    LOCAL_FIRST = 3


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A valid placement and the choice among its copies."""

    placement_LP: Integers
    dispatch: Dispatch
    split_LP: Floats  # used by `Dispatch.SPLIT`; even where no program gave one
    sharded_L: npt.NDArray[np.bool_] | None = None  # layers whose experts are cut over all GPUs; None: no layer
    fresh_LP: npt.NDArray[np.bool_] | None = None  # slots filled anew in every iteration (`fresh.py`); None: no slot


def sharded_layers(plan: Plan) -> npt.NDArray[np.bool_]:
    """Which layers are cut, ``(L,)``."""
    return np.zeros(len(plan.placement_LP), np.bool_) if plan.sharded_L is None else plan.sharded_L


def fresh_slots(plan: Plan) -> npt.NDArray[np.bool_]:
    """Slots filled anew in every iteration, ``(L, P)``; there `placement_LP` repeats an expert of the same GPU."""
    return np.zeros(plan.placement_LP.shape, np.bool_) if plan.fresh_LP is None else plan.fresh_LP


def even_plan(placement_LP: Integers, num_experts: int) -> Plan:
    """The placement with tokens split evenly."""
    return Plan(placement_LP, Dispatch.EVEN, even_split(placement_LP, num_experts))


def even_split(placement_LP: Integers, num_experts: int) -> Floats:
    """One over the number of copies of each slot's expert, ``(L, P)``."""
    return 1.0 / at_slots(copies(placement_LP, num_experts), placement_LP)


def copies(placement_LP: Integers, num_experts: int) -> Floats:
    """Slots that hold each expert, ``(L, E)``."""
    return expert_sums(np.ones(placement_LP.shape), placement_LP, num_experts)


def expert_sums(values_LP: Floats, placement_LP: Integers, num_experts: int) -> Floats:
    """Sum over the copies of each expert, ``(L, E)``."""
    num_layers = len(placement_LP)
    seats = (np.arange(num_layers)[:, None] * num_experts + placement_LP).ravel()
    sums = np.bincount(seats, values_LP.ravel(), num_layers * num_experts).astype(np.float64, copy=False)
    return sums.reshape(num_layers, num_experts)


def at_slots(values_LE: Floats, placement_LP: Integers) -> Floats:
    """The value of each slot's expert; leading axes are kept."""
    layers = np.arange(len(placement_LP))[:, None]
    picked: Floats = values_LE[..., layers, placement_LP]
    return picked


def flows(plan: Plan, loads_ILE: Floats, network: Network) -> Flows:
    """Where the tokens go."""
    loads_ILP = at_slots(loads_ILE, plan.placement_LP)
    match plan.dispatch:
        case Dispatch.LOCAL_FIRST:
            return _local_first(plan.placement_LP, loads_ILE, loads_ILP, network)
        case Dispatch.LP:
            return _mixed(loads_ILP * min_max_shares(loads_ILE, plan.placement_LP, network.gpus), network)
        case Dispatch.SPLIT:
            return _mixed(loads_ILP * plan.split_LP, network)
        case Dispatch.EVEN:
            return _mixed(loads_ILP * even_split(plan.placement_LP, loads_ILE.shape[2]), network)


def _mixed(tokens_ILP: Floats, network: Network) -> Flows:
    """Every slot's tokens come from all GPUs alike; no GPU then sends more than the busiest one gets."""
    peers = network.gpus_per_node - 1
    near, far = peers / network.gpus, 1 - network.gpus_per_node / network.gpus
    return Flows(tokens_ILP, near * tokens_ILP, far * tokens_ILP)


def _local_first(placement_LP: Integers, loads_ILE: Floats, loads_ILP: Floats, network: Network) -> Flows:
    """A token stays on its GPU if it can, else on its node (evenly over the copies there), else any copy is as good."""
    m, num_experts = network.gpus_per_node, loads_ILE.shape[2]
    copies_LP = at_slots(copies(placement_LP, num_experts), placement_LP)
    on_node_LNE = _copies_by_node(placement_LP, num_experts, network)
    node_P = np.arange(placement_LP.shape[1]) // (placement_LP.shape[1] // network.nodes)
    beside_LP = on_node_LNE[np.arange(len(placement_LP))[:, None], node_P, placement_LP]
    nodes_LP = at_slots((on_node_LNE > 0).sum(axis=1), placement_LP)
    own = loads_ILP / network.gpus
    near = own * ((m - beside_LP) / beside_LP)
    far = own * (m * (network.nodes - nodes_LP) / copies_LP)
    held_node = per_part(loads_ILP / beside_LP, network.nodes)
    held_gpu = per_part(loads_ILP, network.gpus).reshape(*held_node.shape, m)
    near_out = (held_node[..., None] - held_gpu).max(axis=(2, 3)) / network.gpus
    far_out = (loads_ILE.sum(axis=2) - held_node.min(axis=2)) / network.gpus
    return Flows(own + near + far, near, far, near_out, far_out)


def _copies_by_node(placement_LP: Integers, num_experts: int, network: Network) -> Floats:
    """``(L, N, E)``: copies of each expert on each node."""
    on_gpu = presence(placement_LP, num_experts, network.gpus)
    counts: Floats = on_gpu.reshape(len(placement_LP), network.nodes, -1, num_experts).sum(axis=2).astype(np.float64)
    return counts
