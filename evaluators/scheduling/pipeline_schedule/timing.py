"""The engine: every device runs its passes in its order, each as soon as what it needs is there.

A pass starts once the one before it on its device has ended and its inputs have come: a forward needs that of the stage
before, an input gradient its own forward and the input gradient of the stage behind, a weight gradient its own input
gradient. What comes from another device comes a link's time later; links are never full. Nothing is interrupted.

What a device holds depends on the order of its passes only, not on times, since it runs one at a time.

Shapes: S stages, D devices, M micro-batches, N passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.scheduling.pipeline_schedule.pipeline import FORWARD, INPUT, WEIGHT, Ints, Pipeline


class DeadlockError(Exception):
    """Every device that is not done waits for a pass that comes later in some device's order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timing:
    """When every pass runs."""

    starts_us_N: Ints
    ends_us_N: Ints

    @property
    def step_us(self) -> int:
        """When the last pass has ended: the optimizer waits for all."""
        return int(self.ends_us_N.max())


def device_orders(pipeline: Pipeline, order_N: Ints) -> list[Ints]:
    """The passes of each device, in the order in which they stand in `order_N`, a permutation of all passes."""
    device_N = pipeline.devices_of(order_N)
    return [order_N[device_N == device] for device in range(pipeline.devices)]


def time_orders(pipeline: Pipeline, orders: Sequence[Ints]) -> Timing:
    """Start and end of every pass.

    Raises:
        DeadlockError: The orders contradict one another; says what a device waits for.
    """
    durations = np.repeat(pipeline.times_us_KS.ravel(), pipeline.micro_batches).tolist()
    queues = [order.tolist() for order in orders]
    starts, ends = [0] * pipeline.passes, [-1] * pipeline.passes
    places, free = [0] * len(queues), [0] * len(queues)
    awaited: dict[int, int] = {}  # pass that has not ended -> the device that waits for it
    needs = _needs(pipeline)
    runnable = list(range(len(queues)))
    while runnable:
        device = runnable.pop()
        queue = queues[device]
        while places[device] < len(queue):
            number = queue[places[device]]
            start = free[device]
            missing = -1
            for other, delay in needs[number]:
                if ends[other] < 0:
                    missing = other
                    break
                start = max(start, ends[other] + delay)
            if missing >= 0:
                awaited[missing] = device
                break
            starts[number] = start
            free[device] = ends[number] = start + durations[number]
            places[device] += 1
            if number in awaited:
                runnable.append(awaited.pop(number))
    for number, device in awaited.items():
        blocked = queues[device][places[device]]
        raise DeadlockError(f"device {device} waits with {pipeline.words(blocked)} for {pipeline.words(number)}")
    return Timing(starts_us_N=np.array(starts), ends_us_N=np.array(ends))


def _needs(pipeline: Pipeline) -> list[tuple[tuple[int, int], ...]]:
    """For each pass, those that must have ended before, and how long their results travel."""
    links = pipeline.link_us_S.tolist()
    found: list[tuple[tuple[int, int], ...]] = []
    for number in range(pipeline.passes):
        kind, stage, micro_batch = pipeline.meaning(number)
        if kind == FORWARD:
            there = [(pipeline.number(FORWARD, stage - 1, micro_batch), links[stage - 1])] if stage else []
        elif kind == INPUT:
            there = [(pipeline.number(FORWARD, stage, micro_batch), 0)]
            if stage + 1 < pipeline.stages:
                there.append((pipeline.number(INPUT, stage + 1, micro_batch), links[stage]))
        else:
            there = [(pipeline.number(INPUT, stage, micro_batch), 0)]
        found.append(tuple(there))
    return found


def held_mb(pipeline: Pipeline, order: Ints) -> Ints:
    """What a device holds while each pass of its order runs."""
    kind, stage = np.divmod(order // pipeline.micro_batches, pipeline.stages)
    activation, kept = pipeline.activation_mb_S[stage], pipeline.kept_mb_S[stage]
    taken = np.where(kind == FORWARD, activation, 0)
    freed = np.where(kind == INPUT, activation - kept, np.where(kind == WEIGHT, kept, 0))
    return np.asarray(np.cumsum(taken) - np.cumsum(freed) + freed, dtype=np.int64)
