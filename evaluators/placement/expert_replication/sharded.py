"""Layers whose experts are cut into one slice per GPU: balanced whatever the load, but every token visits every GPU.

MoEShard (Balmau et al., 2025) cuts the first matrix of an expert by columns and the second by rows. All GPUs gather all
tokens, compute their slice of every expert, and add up the parts. Nothing is left to decide, so the time is a number.

Shapes: I iterations, L layers, E experts, G GPUs, N nodes.
"""

from __future__ import annotations

import numpy as np

from evaluators.placement.cost import Floats, Integers, Migration, arrivals, moved, presence, relayed_us
from evaluators.placement.expert_replication.dispatch import Plan, sharded_layers
from evaluators.placement.expert_replication.system import System

TILE_COLUMNS = 128  # of a grouped GEMM: a narrower slice takes as long


def shard_efficiency(intermediate: int, gpus: int) -> float:
    """Share of the columns of its tiles that a slice of an expert uses."""
    width = intermediate / gpus
    return float(width / (np.ceil(width / TILE_COLUMNS) * TILE_COLUMNS))


def shard_compute_us(loads_ILE: Floats, system: System) -> Floats:
    """Compute of every GPU alike, ``(I, L)``: a slice has 1/G of the weights, and tiles that it fills in part only."""
    slices: Floats = system.curve.time_us(loads_ILE / system.shard_efficiency).sum(axis=2) / system.network.gpus
    return slices


def shard_exchange_us(loads_ILE: Floats, system: System) -> Floats:
    """Gather all tokens and reduce all outputs, ``(I, L)``: between GPUs of one rank on all nodes, then in the node."""
    network, tokens_IL = system.network, loads_ILE.sum(axis=2) / system.top_k
    near = (1 - 1 / network.gpus_per_node) * tokens_IL
    far = (network.nodes - 1) / network.gpus * tokens_IL
    return relayed_us(near, far, network)


def plan_migration(old: Plan, new: Plan, system: System) -> Migration:
    """Weights that change GPU between two plans.

    A layer to be cut brings every GPU its slice of the experts it lacks; a layer to be made whole again brings it the
    other slices of the experts it is to hold.
    """
    was, will = sharded_layers(old), sharded_layers(new)
    whole = ~was & ~will
    near_G, all_G = arrivals(old.placement_LP[whole], new.placement_LP[whole], system.experts, system.network)
    cut_near, cut_all = _cutting(old.placement_LP[~was & will], system)
    join_near, join_all = _joining(new.placement_LP[was & ~will], system)
    return moved(near_G + cut_near + join_near, all_G + cut_all + join_all, system.expert_bytes, system.network)


def _cutting(placement_LP: Integers, system: System) -> tuple[Floats, Floats]:
    """Experts' worth of slices that arrive from the same node, and in all, ``(G,)``."""
    network = system.network
    here = presence(placement_LP, system.experts, network.gpus).sum(axis=2)
    on_node = np.repeat(
        presence(placement_LP, system.experts, network.nodes).sum(axis=2), network.gpus_per_node, axis=1
    )
    near: Floats = (on_node - here).sum(axis=0) / network.gpus
    every: Floats = (system.experts - here).sum(axis=0) / network.gpus
    return near, every


def _joining(placement_LP: Integers, system: System) -> tuple[Floats, Floats]:
    """The same where whole experts are put together from the slices of all GPUs."""
    network = system.network
    wanted_G = presence(placement_LP, system.experts, network.gpus).sum(axis=(0, 2))
    return wanted_G * (network.gpus_per_node - 1) / network.gpus, wanted_G * (network.gpus - 1) / network.gpus
