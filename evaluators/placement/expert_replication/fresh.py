"""Slots that the engine fills anew before every iteration, by the loads of the few iterations before it.

Hecate (Qing et al., 2025, arXiv 2502.02581) gathers copies of the experts that are hot now while attention runs and
drops them after use. Here a plan names the slots to be filled so (`fresh_LP`); which experts go there nobody can name
in advance. The slots count like all others, so in each iteration the layer has a valid placement and `bound.py` holds.

Shapes: I iterations, L layers, M = I * L, E experts, G GPUs, N nodes, P slots, S slots per GPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.placement.cost import Floats, Integers, presence
from evaluators.placement.expert_replication.dispatch import Plan, fresh_slots
from evaluators.placement.expert_replication.system import System

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Materialised:
    """The placement of every layer in every iteration, and what it takes to get there."""

    placement_MP: Integers  # iteration by iteration
    gather_IL: Floats  # microseconds until the GPU that waits longest has its copies


def materialise(plan: Plan, recent_ILE: Floats, system: System) -> Materialised:
    """Fill the fresh slots of `plan`: one more copy for the expert with the heaviest copies, again and again.

    A copy goes to a GPU that lacks the expert: on a node without it if there is one, then where most fresh slots are
    free (both as in Hecate), then where the other experts weigh least. It comes over the node's links if a copy is in
    the node already, else over the links between nodes; copies are passed on, so nobody sends more than arrives.

    Args:
        plan: With one slot at least on every GPU that is not fresh.
        recent_ILE: Loads just before each iteration, of which only proportions within a layer count.
        system: The machine.
    """
    filling = _Filling(plan, recent_ILE.reshape(-1, recent_ILE.shape[2]), system)
    while (rows := np.flatnonzero(filling.free_MG.any(axis=1))).size:
        filling.add_copies(rows)
    network = system.network
    seconds_MG = np.maximum(filling.near_MG / network.intra_bytes_per_s, filling.far_MG / network.inter_bytes_per_s)
    gather: Floats = 1e6 * system.expert_bytes * seconds_MG.max(axis=1)
    return Materialised(filling.placement_MP, gather.reshape(recent_ILE.shape[:2]))


class _Filling:
    """Placements being filled, all layers and iterations at once."""

    def __init__(self, plan: Plan, loads_ME: Floats, system: System) -> None:
        num_layers, gpus = len(plan.placement_LP), system.network.gpus
        repeats = len(loads_ME) // num_layers
        fresh_LGS = fresh_slots(plan).reshape(num_layers, gpus, -1)
        held_LGE = presence(plan.placement_LP, system.experts, gpus)
        self._loads_ME, self._per_node = loads_ME, system.network.gpus_per_node
        self._seat_MGS: Counts = np.tile(np.argsort(~fresh_LGS, axis=2, kind="stable"), (repeats, 1, 1))
        self._held_MGE = np.tile(held_LGE, (repeats, 1, 1))
        self._copies_ME = self._held_MGE.sum(axis=1)
        shares_ME = loads_ME / self._copies_ME
        self._weight_MG: Floats = np.matmul(self._held_MGE, shares_ME[:, :, None])[:, :, 0]
        self.free_MG: Counts = np.tile(fresh_LGS.sum(axis=2), (repeats, 1))
        self._taken_MG = np.zeros_like(self.free_MG)
        open_MG = self.free_MG > 0
        self._lacking_ME = (open_MG[:, :, None] & ~self._held_MGE).sum(axis=1)  # GPUs with room that lack the expert
        self.placement_MP: Counts = np.tile(plan.placement_LP, (repeats, 1)).astype(np.int64)
        self.near_MG, self.far_MG = np.zeros(open_MG.shape), np.zeros(open_MG.shape)

    def add_copies(self, rows: Counts) -> None:
        """One more copy in each of these layers."""
        heat = np.where(self._lacking_ME[rows] > 0, self._loads_ME[rows] / self._copies_ME[rows], -1.0)
        expert = heat.argmax(axis=1)
        gpu, near = self._place(rows, expert)
        seat = self._seat_MGS[rows, gpu, self._taken_MG[rows, gpu]]
        self.placement_MP[rows, gpu * self._seat_MGS.shape[2] + seat] = expert
        self.near_MG[rows, gpu] += near
        self.far_MG[rows, gpu] += ~near
        self._copies_ME[rows, expert] += 1
        self._weight_MG[rows, gpu] += self._loads_ME[rows, expert] / self._copies_ME[rows, expert]
        self._held_MGE[rows, gpu, expert] = True
        self._lacking_ME[rows, expert] -= 1
        self._taken_MG[rows, gpu] += 1
        self.free_MG[rows, gpu] -= 1
        full = self.free_MG[rows, gpu] == 0
        self._lacking_ME[rows[full]] -= ~self._held_MGE[rows[full], gpu[full]]

    def _place(self, rows: Counts, expert: Counts) -> tuple[Counts, npt.NDArray[np.bool_]]:
        """The GPU for a copy of `expert` in each of `rows`, and whether its node has one already."""
        held = self._held_MGE[rows, :, expert]
        on_node = np.repeat(held.reshape(rows.size, -1, self._per_node).any(axis=2), self._per_node, axis=1)
        free, weight = self.free_MG[rows], self._weight_MG[rows]
        lightest_last = weight / (1.0 + weight.max(axis=1, keepdims=True))  # below 1: decides between equals only
        cost = on_node * (2.0 + free.max()) - free + lightest_last
        gpu = np.where(held | (free == 0), np.inf, cost).argmin(axis=1)
        return gpu, on_node[np.arange(rows.size), gpu]
