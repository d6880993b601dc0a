"""Runs a plan on a device: correctness first, then time. Knows no CUDA: it is handed what launches and what measures.

A plan is called on several sets of buffers, each with inputs of its own at addresses of its own. Before every call,
timed or not, outputs and scratch are poisoned, so that what is right afterwards was computed in that call; after the
last one everything is looked at again. Inputs are made again from their seed to be compared with what is left of them;
what is expected is computed then, in memory that no kernel of the program could know.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Protocol

import torch
from torch import Tensor

from evaluators.kernels.floors import Ceilings, floor_us
from evaluators.kernels.moe_kernel import stages
from evaluators.kernels.moe_kernel.inputs import DTYPES, active_experts, expected, make_inputs
from evaluators.kernels.moe_kernel.orders import Finding, Order
from evaluators.kernels.moe_kernel.plans import Plan
from evaluators.kernels.moe_kernel.verdict import judge
from evaluators.kernels.shapes import stage_work
from evaluators.kernels.timing import Stopwatch

NUM_SETS = 3
TURNS = 12  # of program and naive kernel, one after the other
WARMUPS = 2  # turns that are not counted
LOOKS = 4  # turns whose outputs are looked at; who skips half of all turns is missed in 3 % of instances
TRAIN = 6  # calls in the shorter of the two trains that the host's clock times
GUARD_BYTES = 4096  # before and behind every buffer
LEAST_OF_FLOOR = 0.8  # faster than this share of the roofline's floor was not computed; ceilings are measured to 10 %
MOST_HIDDEN = 1.5  # host's time of a call over the device's; more was hidden from the device's clock
HIDDEN_SLACK_US = 30.0  # for each launch, from Python
_POISON = 0xFF  # NaN in each floating-point dtype here, -1 in int32
_ALIGNMENT = 256


class Runnable(Protocol):
    """A plan that is ready to be launched."""

    def run(self, buffers: Mapping[str, Tensor]) -> None:
        """Queue every launch of the plan on these buffers.

        Raises:
            CudaError: A launch was refused.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where plans run, and how fast it can be."""

    torch_device: torch.device
    watch: Stopwatch
    ceilings: Ceilings
    synchronise: Callable[[], None]


class BufferSet:
    """One set of a stage's buffers and a plan's scratch, each between two guards."""

    def __init__(self, order: Order, plan: Plan, index: int, device: torch.device) -> None:
        self._order, self._seed, self._device = order, order.seed + index, device
        self._wholes: dict[str, Tensor] = {}
        self.views: dict[str, Tensor] = {}
        for name, value in self.fresh_inputs().items():
            self._place(name, tuple(value.shape), value.dtype)
            self.views[name].copy_(value)
        written = (*stages.outputs(order.stage, order.shape), *plan.scratch)
        for buffer in written:
            self._place(buffer.name, buffer.size, DTYPES[buffer.dtype])
        self._poisoned = [self.views[buffer.name] for buffer in written]

    def fresh_inputs(self) -> dict[str, Tensor]:
        """The inputs, made anew from their seed."""
        order = self._order
        return make_inputs(order.stage, order.shape, order.load, self._seed, self._device)

    def renew(self) -> None:
        """Other inputs in the place of these, so that no call can use what an earlier one found out."""
        self._seed += NUM_SETS + 1
        for name, value in self.fresh_inputs().items():
            self.views[name].copy_(value)

    def poison(self) -> None:
        """Forget what was written."""
        for view in self._poisoned:
            view.view(torch.uint8).fill_(_POISON)

    def found(self) -> dict[str, Tensor]:
        """What is in the outputs."""
        return {b.name: self.views[b.name] for b in stages.outputs(self._order.stage, self._order.shape)}

    def damage(self) -> str:
        """What was written that must not be; empty if nothing was."""
        for name, whole in self._wholes.items():
            end = GUARD_BYTES + self.views[name].nbytes
            guards = torch.cat([whole[:GUARD_BYTES], whole[end:]])
            if not bool((guards == _POISON).all()):
                return f"a kernel wrote outside of the buffer {name!r}: mask its stores"
        for name, value in self.fresh_inputs().items():
            if not torch.equal(self.views[name].view(torch.uint8), value.contiguous().view(torch.uint8)):
                return f"a kernel changed the input {name!r}"
        return ""

    def _place(self, name: str, size: Sequence[int], dtype: torch.dtype) -> None:
        num_bytes = math.prod(size) * dtype.itemsize
        padded = num_bytes + -num_bytes % _ALIGNMENT
        whole = torch.full((padded + 2 * GUARD_BYTES,), _POISON, dtype=torch.uint8, device=self._device)
        self._wholes[name] = whole
        self.views[name] = whole[GUARD_BYTES : GUARD_BYTES + num_bytes].view(dtype).view(tuple(size))


def try_out(order: Order, plan: Plan, program: Runnable, naive: Runnable, device: Device) -> Finding:
    """Correctness of `program`, and if it is right and the order says so, its time beside `naive`'s.

    Raises:
        CudaError: A kernel failed, and with it the context.
    """
    sets = [BufferSet(order, plan, index, device.torch_device) for index in range(NUM_SETS)]
    for buffers in sets:
        buffers.poison()
        program.run(buffers.views)
    device.synchronise()
    finding = _looked_at(order, sets)
    if finding.fault or not order.timed:
        return finding
    apart = BufferSet(order, replace(plan, scratch=()), NUM_SETS, device.torch_device)
    timed = _timed(order, sets, program, apart, naive, device)
    if timed.fault:
        return timed
    slack_us = HIDDEN_SLACK_US * len(plan.launches)
    hidden = _hidden(sets, program, timed.program_us, slack_us, device)
    device.synchronise()
    after = _looked_at(order, sets)
    if after.fault:
        return after
    floor = _floor_us(order, sets[0], device)
    if timed.program_us < LEAST_OF_FLOOR * floor:
        hidden = f"took {timed.program_us:.1f} us, faster than the roofline's {floor:.1f} us allows"
    return replace(timed, tampering=hidden, error=max(finding.error, timed.error, after.error), floor_us=floor)


def _looked_at(order: Order, sets: Sequence[BufferSet]) -> Finding:
    """Whether every set holds what it should."""
    worst = 0.0
    for buffers in sets:
        damage = buffers.damage()
        if damage:
            return Finding(fault=damage)
        given = buffers.fresh_inputs()
        right = expected(order.stage, order.shape, given)
        verdict = judge(order.stage, order.shape, given, right, buffers.found())
        if verdict.fault:
            return Finding(fault=verdict.fault)
        worst = max(worst, verdict.error)
    return Finding(error=worst)


def _timed(
    order: Order, sets: Sequence[BufferSet], program: Runnable, apart: BufferSet, naive: Runnable, device: Device
) -> Finding:
    """Medians by the device's clock, in turns, caches flushed. The naive program has a set that no other one knows.

    What the program wrote is looked at after turns that it cannot foresee: it must not do its work at other times only.
    """
    spans: dict[bool, list[float]] = {True: [], False: []}
    looked_at = random.Random(order.seed).sample(range(WARMUPS, WARMUPS + TURNS), LOOKS)
    worst = 0.0
    for turn in range(WARMUPS + TURNS):
        for is_program, runnable, buffers in ((False, naive, apart), (True, program, sets[turn % len(sets)])):
            buffers.renew()
            buffers.poison()
            (span_us,) = device.watch.spans_us(partial(runnable.run, buffers.views), 1)
            if turn >= WARMUPS:
                spans[is_program].append(span_us)
        if turn in looked_at:
            found = _looked_at(order, [sets[turn % len(sets)]])
            if found.fault:
                return found
            worst = max(worst, found.error)
    return Finding(error=worst, program_us=median(spans[True]), naive_us=median(spans[False]))


def _hidden(sets: Sequence[BufferSet], program: Runnable, program_us: float, slack_us: float, device: Device) -> str:
    """Whether the host's clock, from idle device to idle device, sees much more than the device's did.

    The time of one call is that of twice as many less that of as many, so that what happens once cancels; the poisoning
    before each call is timed alone and taken off.
    """
    calls = 0

    def poisoned() -> None:
        nonlocal calls
        calls += 1
        sets[calls % len(sets)].poison()

    def called() -> None:
        poisoned()
        program.run(sets[calls % len(sets)].views)

    def per_call_us(launch: Callable[[], None]) -> float:
        device.watch.train_us(launch, len(sets))
        rounds = [device.watch.train_us(launch, 2 * TRAIN) - device.watch.train_us(launch, TRAIN) for _ in range(3)]
        return median(rounds) / TRAIN

    alone_us = per_call_us(poisoned)
    call_us = per_call_us(called) - alone_us
    if call_us > MOST_HIDDEN * program_us + slack_us:
        return f"took {program_us:.1f} us by the device's clock and {call_us:.1f} us by the host's"
    return ""


def _floor_us(order: Order, buffers: BufferSet, device: Device) -> float:
    active = active_experts(order.shape, buffers.views)
    return floor_us(stage_work(order.stage, order.shape, active), device.ceilings)
