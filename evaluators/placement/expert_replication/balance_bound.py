"""The best GPU balance that plans of two kinds can have on a window whose loads are known: how much packing can do.

`even_balance_bound` holds for plans that split tokens evenly, without fresh slots and cut layers; `node_balance_bound`
for plans, of whatever split, that keep the copies of a routing group on one node, as hierarchical EPLB does to spare
the links between nodes.

Shapes: L layers, E experts, G GPUs, S slots per GPU, P = G * S, N nodes, R routing groups, Q ways to share out groups.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from evaluators.placement.cost import Floats
from evaluators.placement.expert_replication.system import System

MOST_GROUPS = 8  # 4140 ways to share them out; beyond, the bound is the lighter one of the mean and the heaviest group


def even_balance_bound(loads_LE: Floats, system: System) -> float:
    """Sum over layers of the mean GPU load over the sum of `least_peak`.

    No even plan's `gpu_balance` is higher, unless it cuts layers, which are in balance whatever the load, or has fresh
    slots: their copies are chosen anew in every iteration of the window, the bound knows one placement for all of it.
    """
    peak = float(least_peak(loads_LE, system.slots, system.network.gpus).sum())
    return float(loads_LE.sum()) / system.network.gpus / peak if peak else 1.0


def least_peak(loads_LE: Floats, num_slots: int, num_gpus: int) -> Floats:
    """Load of the busiest GPU that no placement with even split goes below, ``(L,)``.

    It is no less than the mean. Some copy carries at least r, the least value of the heaviest copy over all numbers of
    copies. Beside it on its GPU are S - 1 copies of other experts, and a copy of expert e carries at least w_e / c with
    c = min(G, P - E + 1), the most copies that an expert can have; so they add the S - 1 smallest w_e / c at least.
    """
    num_experts = loads_LE.shape[1]
    most = min(num_gpus, num_slots - num_experts + 1)
    beside = np.sort(loads_LE, axis=1)[:, : num_slots // num_gpus - 1].sum(axis=1) / most
    least: Floats = np.maximum(loads_LE.sum(axis=1) / num_gpus, _heaviest_copy(loads_LE, num_slots, most) + beside)
    return least


def _heaviest_copy(loads_LE: Floats, num_slots: int, most: int) -> Floats:
    """Least possible load of the heaviest copy, ``(L,)``: one more copy for its expert, again and again, is optimal."""
    layers, copies = np.arange(len(loads_LE)), np.ones(loads_LE.shape)
    for _ in range(num_slots - loads_LE.shape[1]):
        hottest = (loads_LE / copies).argmax(axis=1)
        copies[layers, hottest] = np.minimum(copies[layers, hottest] + 1, most)
    heaviest: Floats = (loads_LE / copies).max(axis=1)
    return heaviest


def node_balance_bound(loads_LE: Floats, system: System) -> float | None:
    """Sum over layers of the mean GPU load over the least possible peak, as `least_node_peak` / GPUs of a node.

    None where no plan keeps groups on nodes: the model has no groups, or they do not fit the nodes' slots.
    """
    network = system.network
    loads_LR = loads_LE.reshape(len(loads_LE), network.groups, -1).sum(axis=2)
    fitting = system.slots // network.nodes // (system.experts // network.groups)
    if network.groups == 1 or fitting * network.nodes < network.groups:
        return None
    peak = float(least_node_peak(loads_LR, network.nodes, fitting).sum()) / network.gpus_per_node
    return float(loads_LE.sum()) / network.gpus / peak if peak else 1.0


def least_node_peak(loads_LR: Floats, num_nodes: int, most_groups: int) -> Floats:
    """Load of the busiest node under the best way to share out whole groups, ``(L,)``; all ways are tried.

    The busiest GPU of that node carries no less than the node's mean GPU, whatever the split.

    Args:
        loads_LR: Tokens of each group.
        num_nodes: Nodes.
        most_groups: Groups whose experts fit the slots of one node.
    """
    num_groups = loads_LR.shape[1]
    if num_groups > MOST_GROUPS:
        simple: Floats = np.maximum(loads_LR.sum(axis=1) / num_nodes, loads_LR.max(axis=1))
        return simple
    node_QR = _ways(num_groups, num_nodes, most_groups)
    on_node_QNR = node_QR[:, None, :] == np.arange(num_nodes)[:, None]
    least: Floats = np.tensordot(loads_LR, on_node_QNR.astype(np.float64), axes=(1, 2)).max(axis=2).min(axis=1)
    return least


@cache
def _ways(num_groups: int, num_nodes: int, most_groups: int) -> npt.NDArray[np.int64]:
    """The node of each group in every way to share out all groups, ``(Q, R)``; names of nodes make no difference."""
    ways = [[0]]
    for _ in range(num_groups - 1):
        ways = [
            [*way, node]
            for way in ways
            for node in range(min(max(way) + 2, num_nodes))
            if way.count(node) < most_groups
        ]
    return np.array(ways, dtype=np.int64)
