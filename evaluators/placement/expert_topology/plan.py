"""Reads a program's reply into a valid placement, or says which rule it broke. Works on the scorer's own copies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluators.candidate import CandidateFailure, Reply, ReplyField
from evaluators.contract import Outcome
from evaluators.placement.expert_topology.system import System
from evaluators.placement.expert_topology.traffic import Whole


def reply_fields(system: System) -> tuple[ReplyField, ...]:
    """What `place` returns."""
    return (ReplyField(name="placement", dtype="int32", shape=(system.layers, system.slots)),)


def read_placement(reply: Reply, system: System) -> Whole:
    """The placement in `reply`, ``(L, P)``.

    Raises:
        CandidateFailure: `Outcome.INVALID`, with the rule, the layer and what was found there.
    """
    return check_placement(reply.arrays["placement"].astype(np.int64), system)


def check_placement(placement_LP: Whole, system: System) -> Whole:
    """The placement, if every expert of a layer is in a slot, and none in two slots of a GPU.

    Raises:
        CandidateFailure: `Outcome.INVALID`, with the rule, the layer and what was found there.
    """
    outside = (placement_LP < 0) | (placement_LP >= system.experts)
    if outside.any():
        layer, slot = _first(outside)
        found = placement_LP[layer, slot]
        raise _invalid(f"layer {layer}, slot {slot}: expected an expert from 0 to {system.experts - 1}, found {found}")
    present = np.zeros((system.layers, system.experts), np.bool_)
    present[np.arange(system.layers)[:, None], placement_LP] = True
    if not present.all():
        layer, expert = _first(~present)
        raise _invalid(f"layer {layer}: expert {expert} is in no slot, but every expert must be in one at least")
    on_gpu = np.sort(placement_LP.reshape(system.layers, system.network.gpus, -1), axis=2)
    twice = (on_gpu[..., 1:] == on_gpu[..., :-1]).any(axis=2)
    if twice.any():
        layer, gpu = _first(twice)
        row = on_gpu[layer, gpu]
        expert = row[:-1][row[1:] == row[:-1]][0]
        raise _invalid(f"layer {layer}: expert {expert} is twice on GPU {gpu}; a GPU may hold one copy of an expert")
    return placement_LP


def _first(mask: npt.NDArray[np.bool_]) -> tuple[int, int]:
    row, column = np.argwhere(mask)[0]
    return int(row), int(column)


def _invalid(detail: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, detail)
