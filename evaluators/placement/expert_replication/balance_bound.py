"""The best GPU balance that a plan with even split can have on a window whose loads are known: how much packing can do.

Shapes: L layers, E experts, G GPUs, S slots per GPU, P = G * S.
"""

from __future__ import annotations

import numpy as np

from evaluators.placement.cost import Floats
from evaluators.placement.expert_replication.system import System


def even_balance_bound(loads_LE: Floats, system: System) -> float:
    """Sum over layers of the mean GPU load over the sum of `least_peak`; no even plan's `gpu_balance` is higher."""
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
