"""Copies that no placement spares one direction of one layer's exchange: in all, and on one link.

Shapes: T tokens, K experts per token, E experts, G GPUs, N nodes, Q parts (see `together.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluators.placement.cost import Floats
from evaluators.placement.expert_topology.system import System
from evaluators.placement.expert_topology.together import (
    Parts,
    fewest_copies,
    heaviest,
    most_kept_from_experts,
    most_kept_from_sources,
    most_meetings,
    spectra_between,
    spectra_within,
)
from evaluators.placement.expert_topology.traffic import Whole


@dataclass(frozen=True, slots=True, eq=False)
class Seats:
    """Where the tokens of a layer are, as far as that is known before anything is placed."""

    tokens: int
    picks_E: Floats  # tokens that pick each expert
    pairs_EE: Floats  # tokens that pick both, diagonal 0
    pair_spectra: tuple[Floats, ...]  # of `pairs_EE`
    most_kept: Callable[[Parts, str], float]  # picks kept in the parts of this kind
    most_kept_by_expert: Callable[[Parts, str, int], Floats]  # the same of each expert, if it has so many copies
    sent_E: Floats | None = None  # tokens that are at each expert, where that is what is known
    kept_of_sender: Callable[[int], Floats] | None = None  # of the picks of these, with so many slots around


def at_source(source_T: Whole, ids_TK: Whole, system: System) -> Seats:
    """Tokens on the GPUs that hold their sequences."""
    gpus = system.network.gpus
    tokens_GE = _counted(source_T, ids_TK, gpus, system.experts)

    def by_part(kind: str) -> Floats:
        m = system.network.gpus_per_node
        part_G = {"gpu": np.arange(gpus), "node": np.arange(gpus) // m, "rank": np.arange(gpus) % m}[kind]
        summed = np.zeros((int(part_G[-1]) + 1, system.experts))
        np.add.at(summed, part_G, tokens_GE)
        return summed

    pairs_EE = _pairs(ids_TK, system.experts)
    return Seats(
        tokens=len(ids_TK),
        picks_E=tokens_GE.sum(axis=0),
        pairs_EE=pairs_EE,
        pair_spectra=_spectra(pairs_EE, system),
        most_kept=lambda parts, kind: most_kept_from_sources(by_part(kind), parts),
        most_kept_by_expert=lambda _, kind, copies: heaviest(by_part(kind).T, copies),
    )


def at_previous(first_T: Whole, ids_TK: Whole, system: System) -> Seats:
    """Tokens where the first expert of the layer before is."""
    moves_EE = _counted(first_T, ids_TK, system.experts, system.experts)
    spectra = () if system.spare else spectra_between(moves_EE)
    return _at_experts(
        moves_EE, first_T, ids_TK, system, lambda parts, _: most_kept_from_experts(moves_EE, parts, spectra)
    )


def at_first_expert(ids_TK: Whole, system: System) -> Seats:
    """Tokens where their first expert of this layer is: that pick is always kept, others as they meet it."""
    moves_EE = _counted(ids_TK[:, 0], ids_TK, system.experts, system.experts)
    beside_EE = moves_EE - np.diag(np.diag(moves_EE))
    both_EE = beside_EE + beside_EE.T
    spectra = _spectra(both_EE, system)
    return _at_experts(
        moves_EE, ids_TK[:, 0], ids_TK, system, lambda parts, _: len(ids_TK) + most_meetings(both_EE, parts, spectra)
    )


def _at_experts(
    moves_EE: Floats,
    first_T: Whole,
    ids_TK: Whole,
    system: System,
    most_kept: Callable[[Parts, str], float],
) -> Seats:
    pairs_EE = _pairs(ids_TK, system.experts)
    return Seats(
        tokens=len(ids_TK),
        picks_E=moves_EE.sum(axis=0),
        pairs_EE=pairs_EE,
        pair_spectra=_spectra(pairs_EE, system),
        most_kept=most_kept,
        most_kept_by_expert=lambda parts, _, copies: heaviest(moves_EE.T, parts.size * copies),
        sent_E=np.bincount(first_T, minlength=system.experts).astype(np.float64),
        kept_of_sender=lambda slots: heaviest(moves_EE, slots),
    )


def _spectra(pairs_EE: Floats, system: System) -> tuple[Floats, ...]:
    return () if system.spare or system.top_k == 1 else spectra_within(pairs_EE)


def _counted(row_T: Whole, ids_TK: Whole, rows: int, experts: int) -> Floats:
    cells = (row_T[:, None].astype(np.int64) * experts + ids_TK).ravel()
    return np.bincount(cells, minlength=rows * experts).astype(np.float64).reshape(rows, experts)


def _pairs(ids_TK: Whole, experts: int) -> Floats:
    together = np.zeros((experts, experts))
    for one in range(ids_TK.shape[1]):
        others = np.delete(ids_TK, one, axis=1)
        together += _counted(ids_TK[:, one], others, experts, experts)
    return together


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """The least copies of one direction, as (in all, on one link)."""

    seats: Seats
    system: System

    def off_gpus(self) -> tuple[float, float]:
        """Flat, to any other GPU; into the GPU of an expert, or out of it."""
        return self._total("gpu", "gpu"), max(self._into("gpu"), self._out_of("gpu", "gpu"))

    def off_nodes(self) -> tuple[float, float]:
        """Flat, to a GPU of another node."""
        return self._total("node", "gpu"), max(self._into("node"), self._out_of("node", "gpu"))

    def between_nodes(self) -> tuple[float, float]:
        """Hierarchical, to another node; what enters an expert's node comes over the links of all its ranks."""
        into = self._into("node") / self.system.network.gpus_per_node
        return self._total("node", "node"), max(into, self._out_of("node", "node"))

    def within_nodes(self) -> tuple[float, float]:
        """Hierarchical, from the seat or the relay: to each GPU that is needed and has not the seat's rank."""
        return self._total("rank", "gpu"), self._into("rank")

    def _total(self, kept_in: str, meet_in: str) -> float:
        """Distinct parts visited outside the part that the token is in."""
        seats, kept_parts, parts = self.seats, self._parts(kept_in), self._parts(meet_in)
        top_k = self.system.top_k
        picks, met = float(seats.picks_E.sum()), most_meetings(seats.pairs_EE, parts, seats.pair_spectra)
        kept = seats.most_kept(kept_parts, kept_in)
        room = math.ceil(max(0, top_k - kept_parts.size) / parts.size)
        found = max(fewest_copies(picks, kept, met), float(seats.tokens * room))
        if kept_in == meet_in:  # all parts visited, but for the one the token is in, if it is visited
            found = max(found, fewest_copies(picks, 0.0, met) - min(kept, seats.tokens))
        return found

    def _into(self, kept_in: str) -> float:
        """Copies into one copy of an expert from outside its part, at least, for the worst expert."""
        copies = self._most_copies()
        kept_E = self.seats.most_kept_by_expert(self._parts(kept_in), kept_in, copies)
        return float(max(0.0, (self.seats.picks_E - kept_E).max() / copies))

    def _out_of(self, kept_in: str, meet_in: str) -> float:
        """Copies from the seat at one copy of an expert, at least, for the worst expert."""
        if self.seats.sent_E is None or self.seats.kept_of_sender is None:
            return 0.0
        copies, top_k = self._most_copies(), self.system.top_k
        kept_E = self.seats.kept_of_sender(self._parts(kept_in).size * copies)
        gone_E = top_k * self.seats.sent_E - kept_E
        return float(max(0.0, gone_E.max() / min(top_k, self._parts(meet_in).size) / copies))

    def _most_copies(self) -> int:
        return min(self.system.network.gpus, self.system.spare + 1)

    def _parts(self, kind: str) -> Parts:
        network, per_gpu = self.system.network, self.system.slots_per_gpu
        m, n = network.gpus_per_node, network.nodes
        count, gpus_each = {"gpu": (network.gpus, 1), "node": (n, m), "rank": (m, n)}[kind]
        return Parts(count, per_gpu * gpus_each, self.system.spare)
