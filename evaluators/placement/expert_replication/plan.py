"""Reads a program's reply into a valid plan, or says which rule it broke. Works on the scorer's own copies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluators.candidate import CandidateFailure, Reply, ReplyField
from evaluators.contract import Outcome
from evaluators.placement.cost import Floats, Integers
from evaluators.placement.expert_replication.dispatch import (
    Dispatch,
    Plan,
    at_slots,
    even_split,
    expert_sums,
    fresh_slots,
    sharded_layers,
)
from evaluators.placement.expert_replication.system import DEFAULT_DISPATCH, System

SPLIT_TOLERANCE = 1e-3  # of a sum of float32 shares; the shares are then divided by their sum


def reply_fields(system: System) -> tuple[ReplyField, ...]:
    """What `plan` returns."""
    slots = (system.layers, system.slots)
    return (
        ReplyField(name="placement", dtype="int32", shape=slots),
        ReplyField(name="dispatch", dtype="int8", shape=(), optional=True, default=DEFAULT_DISPATCH),
        ReplyField(name="split", dtype="float32", shape=slots, optional=True),
        ReplyField(name="keep", dtype="bool", shape=(system.layers,), optional=True),
        ReplyField(name="sharded", dtype="bool", shape=(system.layers,), optional=True),
        ReplyField(name="fresh", dtype="bool", shape=slots, optional=True),
    )


def read_plan(reply: Reply, active: Plan, system: System) -> Plan:
    """The plan in `reply`; kept layers are those of `active`, cut ones have its placement for when they are whole.

    Raises:
        CandidateFailure: `Outcome.INVALID`, with the rule, the layer and what was found there.
    """
    keep = _mask(reply, "keep", (system.layers,))
    sharded = np.where(keep, sharded_layers(active), _mask(reply, "sharded", (system.layers,)))
    ignored = (keep | sharded)[:, None]
    wanted = reply.arrays["placement"].astype(np.int64)
    fresh = np.where(ignored, fresh_slots(active), _mask(reply, "fresh", wanted.shape))
    placement = check_placement(np.where(ignored, active.placement_LP, wanted), fresh, system)
    dispatch = _dispatch(int(reply.arrays["dispatch"]) if "dispatch" in reply.arrays else DEFAULT_DISPATCH)
    even = even_split(placement, system.experts)
    if dispatch is not Dispatch.SPLIT:
        return Plan(placement, dispatch, even, sharded, fresh)
    if "split" not in reply.arrays:
        raise _invalid(f"dispatch is {int(Dispatch.SPLIT)} (split), but the reply has no 'split' array")
    if (fresh & ~sharded[:, None]).any():
        raise _invalid(f"dispatch is {int(Dispatch.SPLIT)} (split), but nobody knows what fresh slots will hold")
    given = reply.arrays["split"].astype(np.float64)
    shares = _split(np.where(ignored, active.split_LP, given), placement, system)
    return Plan(placement, dispatch, shares, sharded, fresh)


def _mask(reply: Reply, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """A mask of layers or slots, nothing where the reply has none."""
    return reply.arrays[name].astype(np.bool_) if name in reply.arrays else np.zeros(shape, np.bool_)


def check_placement(placement_LP: Integers, fresh_LP: npt.NDArray[np.bool_], system: System) -> Integers:
    """The placement if every expert is in a slot that is not fresh, and none in two such slots of a GPU.

    Fresh slots are ignored; in the placement returned they repeat the first expert of their GPU.

    Raises:
        CandidateFailure: `Outcome.INVALID`, with the rule, the layer and what was found there.
    """
    num_layers, gpus = system.layers, system.network.gpus
    fresh_LGS = fresh_LP.reshape(num_layers, gpus, -1)
    nothing_held = fresh_LGS.sum(axis=2) == fresh_LGS.shape[2]
    if nothing_held.any():
        layer, gpu = _first(nothing_held)
        raise _invalid(f"layer {layer}: all slots of GPU {gpu} are fresh, but one at least must hold an expert")
    outside = ((placement_LP < 0) | (placement_LP >= system.experts)) & ~fresh_LP
    if outside.any():
        layer, slot = _first(outside)
        found = placement_LP[layer, slot]
        raise _invalid(f"layer {layer}, slot {slot}: expected an expert from 0 to {system.experts - 1}, found {found}")
    by_gpu = placement_LP.reshape(num_layers, gpus, -1)
    first = np.take_along_axis(by_gpu, fresh_LGS.argmin(axis=2)[..., None], axis=2)
    settled = np.where(fresh_LGS, first, by_gpu)
    present = np.zeros((num_layers, system.experts), np.bool_)
    present[np.arange(num_layers)[:, None], settled.reshape(num_layers, -1)] = True
    if not present.all():
        layer, expert = _first(~present)
        raise _invalid(f"layer {layer}: expert {expert} is in no slot, but every expert must be in one at least")
    on_gpu = np.sort(np.where(fresh_LGS, -1 - np.arange(by_gpu.shape[2]), by_gpu), axis=2)
    twice = (on_gpu[..., 1:] == on_gpu[..., :-1]).any(axis=2)
    if twice.any():
        layer, gpu = _first(twice)
        row = on_gpu[layer, gpu]
        expert = row[:-1][row[1:] == row[:-1]][0]
        raise _invalid(f"layer {layer}: expert {expert} is twice on GPU {gpu}; a GPU may hold one copy of an expert")
    checked: Integers = settled.reshape(placement_LP.shape)
    return checked


def _dispatch(value: int) -> Dispatch:
    if value not in set(Dispatch):
        choices = ", ".join(f"{mode.value} ({mode.name.lower()})" for mode in Dispatch)
        raise _invalid(f"dispatch: expected one of {choices}, found {value}")
    return Dispatch(value)


def _split(split_LP: Floats, placement_LP: Integers, system: System) -> Floats:
    """The shares, each expert's divided by their sum."""
    if (split_LP < 0).any():
        layer, slot = _first(split_LP < 0)
        raise _invalid(
            f"split: layer {layer}, slot {slot}: expected a share of 0 or more, found {split_LP[layer, slot]}"
        )
    sums = expert_sums(split_LP, placement_LP, system.experts)
    off = np.abs(sums - 1.0) > SPLIT_TOLERANCE
    if off.any():
        layer, expert = _first(off)
        raise _invalid(
            f"split: layer {layer}: the shares of expert {expert} must sum to 1, found {sums[layer, expert]:.6g}"
        )
    shares: Floats = split_LP / at_slots(sums, placement_LP)
    return shares


def _first(mask: npt.NDArray[np.bool_]) -> tuple[int, int]:
    row, column = np.argwhere(mask)[0]
    return int(row), int(column)


def _invalid(detail: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, detail)
