"""A clairvoyant reference: plans each window from its own loads, moves nothing and takes no time. It may be beaten.

Shapes: I iterations, L layers, E experts, G GPUs, P slots.
"""

from __future__ import annotations

import numpy as np

from evaluators.placement.cost import Floats, Integers
from evaluators.placement.expert_replication.dispatch import Dispatch, Plan, even_plan
from evaluators.placement.expert_replication.serving import layer_times
from evaluators.placement.expert_replication.system import System
from evaluators.placement.layout import static_placement


def oracle_us(loads_ILE: Floats, system: System) -> float:
    """The better of the even and the exact split over greedy replicas packed heaviest first; layers without a valid
    packing stay static.
    """
    total_LE: Floats = loads_ILE.sum(axis=0)
    placement, valid_L = _packed(total_LE, system.slots, system.network.gpus)
    static = static_placement(system.layers, system.experts, system.slots)
    plan = even_plan(np.where(valid_L[:, None], placement, static), system.experts)
    exact = Plan(plan.placement_LP, Dispatch.LP, plan.split_LP)
    return min(float(layer_times(choice, loads_ILE, system).total_I.mean()) for choice in (plan, exact))


def _packed(
    loads_LE: Floats, num_slots: int, num_gpus: int
) -> tuple[Integers, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Placement ``(L, P)``, and the layers in which every copy found a GPU."""
    experts, weights = _replicas(loads_LE, num_slots)
    order = np.argsort(-weights, axis=1, kind="stable")
    room = num_slots // num_gpus
    layers = np.arange(len(loads_LE))
    load = np.zeros((len(loads_LE), num_gpus))
    seats = np.zeros(load.shape, dtype=np.int64)
    held = np.zeros((*load.shape, loads_LE.shape[1]), dtype=np.bool_)
    placement = np.zeros((len(loads_LE), num_slots), dtype=np.int64)
    valid = np.ones(len(loads_LE), dtype=np.bool_)
    for rank in range(num_slots):
        expert = experts[layers, order[:, rank]]
        closed = (seats == room) | held[layers, :, expert]
        gpu = np.where(closed, np.inf, load).argmin(axis=1)
        valid &= ~closed[layers, gpu]
        gpu = np.where(closed[layers, gpu], (seats == room).argmin(axis=1), gpu)
        placement[layers, gpu * room + seats[layers, gpu]] = expert
        held[layers, gpu, expert] = True
        seats[layers, gpu] += 1
        load[layers, gpu] += weights[layers, order[:, rank]]
    return placement, valid


def _replicas(loads_LE: Floats, num_slots: int) -> tuple[Integers, Floats]:
    """The expert and the load of each copy, ``(L, P)``: the busiest copy's expert gets one more, again and again."""
    num_layers, num_experts = loads_LE.shape
    layers = np.arange(num_layers)
    counts = np.ones(loads_LE.shape)
    experts = np.tile(np.arange(num_experts), (num_layers, 1))
    for _ in range(num_slots - num_experts):
        busiest = (loads_LE / counts).argmax(axis=1)
        counts[layers, busiest] += 1
        experts = np.concatenate([experts, busiest[:, None]], axis=1)
    return experts, (loads_LE / counts)[layers[:, None], experts]
