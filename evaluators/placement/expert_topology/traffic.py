"""Which GPUs the copies of tokens visit, and how many copies each link carries.

Shapes: T tokens, K experts per token, E experts, G GPUs, N nodes, P slots over all GPUs, S slots of a GPU,
R most copies of one expert, I iterations of B tokens (T = I * B).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from evaluators.placement.cost import Floats, Network

Bools: TypeAlias = npt.NDArray[np.bool_]
Whole: TypeAlias = npt.NDArray[np.integer[Any]]
_MIX = 0x9E3779B1  # spreads the places of tokens over the copies of an expert


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """One layer's experts: where they are, and which copy a token of each node uses."""

    held_GE: Bools
    options_NER: Whole  # GPUs to choose from, those of the own node alone if it has any; padded
    counts_NE: Whole  # how many of them there are

    @classmethod
    def of(cls, placement_P: Whole, num_experts: int, network: Network) -> Copies:
        """The copies that a layer's row of a placement stands for."""
        held = np.zeros((network.gpus, num_experts), dtype=np.bool_)
        gpu_P = np.arange(placement_P.size) // (placement_P.size // network.gpus)
        held[gpu_P, placement_P] = True
        beside_NE = np.logical_or.reduce(held.reshape(network.nodes, -1, num_experts), axis=1)
        node_G = np.arange(network.gpus) // network.gpus_per_node
        own_node = node_G == np.arange(network.nodes)[:, None]
        usable_NEG: Bools = held.T[None] & (own_node[:, None] | ~beside_NE[..., None])
        counts = usable_NEG.sum(axis=2)
        options = np.argsort(~usable_NEG, axis=2, kind="stable")[..., : counts.max()]
        return cls(held, options, counts)

    def gpus(self, ids_TK: Whole, seats_T: Whole, places_T: Whole, network: Network) -> Whole:
        """The GPU where each choice is computed, ``(T, K)``.

        The token's own GPU if it has the expert, else a copy of its node, else any: evenly, by a hash of its place.
        """
        node_T1 = seats_T[:, None] // network.gpus_per_node
        count_TK = self.counts_NE[node_T1, ids_TK]
        turn_TK = (((places_T[:, None] + 1) * _MIX + ids_TK * 40503) >> 8) % count_TK
        chosen = self.options_NER[node_T1, ids_TK, turn_TK]
        return np.where(self.held_GE[seats_T[:, None], ids_TK], seats_T[:, None], chosen)


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Token copies of one direction: on the busiest link of each kind, and in all, by iteration."""

    near_I: Floats
    far_I: Floats
    near_total_I: Floats
    far_total_I: Floats


def links(seats_T: Whole, gpus_TK: Whole, network: Network, iterations: int) -> Links:
    """Copies from the tokens' seats to the GPUs that they visit; for results on their way back, turn in and out.

    Flat: one copy to each GPU. Hierarchical: one to each other node, to the GPU of the seat's rank there, and from
    there, or from the seat on its own node, one to each GPU that is needed.
    """
    tokens = np.arange(seats_T.size)
    needed_TG = np.zeros((seats_T.size, network.gpus), dtype=np.bool_)
    needed_TG[tokens[:, None], gpus_TK] = True
    needed_TG[tokens, seats_T] = False
    if network.nodes == 1:
        return _direct(seats_T, needed_TG, needed_TG, network, iterations)
    node_G = np.arange(network.gpus) // network.gpus_per_node
    near_TG = needed_TG & (node_G == node_G[seats_T][:, None])
    if network.hierarchical:
        return _relayed(seats_T, needed_TG, network, iterations)
    return _direct(seats_T, needed_TG, near_TG, network, iterations)


def _direct(seats_T: Whole, needed_TG: Bools, near_TG: Bools, network: Network, iterations: int) -> Links:
    near_in, all_in = (_received(mask, iterations) for mask in (near_TG, needed_TG))
    near_out, all_out = (_sent(seats_T, mask, network.gpus, iterations) for mask in (near_TG, needed_TG))
    far_in, far_out = all_in - near_in, all_out - near_out
    return Links(
        np.maximum(near_in.max(axis=1), near_out.max(axis=1)),
        np.maximum(far_in.max(axis=1), far_out.max(axis=1)),
        near_in.sum(axis=1),
        far_in.sum(axis=1),
    )


def _relayed(seats_T: Whole, needed_TG: Bools, network: Network, iterations: int) -> Links:
    m, num_tokens = network.gpus_per_node, seats_T.size
    node_T, rank_T = seats_T // m, seats_T % m
    needed_TNM = needed_TG.reshape(num_tokens, network.nodes, m)
    tokens = np.arange(num_tokens)
    remote_TN: Bools = np.logical_or.reduce(needed_TNM, axis=2)
    remote_TN[tokens, node_T] = False
    onward_TNM = needed_TNM.copy()
    onward_TNM[tokens, :, rank_T] = False  # the relay has it already; the seat never needs a copy
    far_in = _by_seat(remote_TN, rank_T, m, iterations)  # (I, M, N): rank, node
    far_out = _by_seat(remote_TN.sum(axis=1)[:, None], seats_T, network.gpus, iterations)
    near_in = _received(onward_TNM.reshape(num_tokens, -1), iterations)
    near_out = _by_seat(onward_TNM.sum(axis=2), rank_T, m, iterations)
    return Links(
        np.maximum(near_in.max(axis=1), near_out.max(axis=(1, 2))),
        np.maximum(far_in.max(axis=(1, 2)), far_out.max(axis=(1, 2))),
        near_in.sum(axis=1),
        far_in.sum(axis=(1, 2)),
    )


def _received(copies_TG: Bools, iterations: int) -> Floats:
    summed: Floats = copies_TG.reshape(iterations, -1, copies_TG.shape[1]).sum(axis=1).astype(np.float64)
    return summed


def _sent(seats_T: Whole, copies_TG: Bools, gpus: int, iterations: int) -> Floats:
    return _by_seat(copies_TG.sum(axis=1)[:, None], seats_T, gpus, iterations)[..., 0]


def _by_seat(values_TN: Whole | Bools, seats_T: Whole, num_seats: int, iterations: int) -> Floats:
    """Sums of the rows that share an iteration and a seat, ``(I, seats, N)``."""
    columns = values_TN.shape[1]
    iteration_T = np.arange(seats_T.size) // (seats_T.size // iterations)
    cells = ((iteration_T * num_seats + seats_T)[:, None] * columns + np.arange(columns)).ravel()
    sums = np.bincount(cells, values_TN.ravel(), iterations * num_seats * columns)
    return sums.astype(np.float64, copy=False).reshape(iterations, num_seats, columns)
