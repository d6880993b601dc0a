"""From a program's answer to orders that every device can run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.candidate import Array, CandidateFailure, ReplyField
from evaluators.contract import Outcome
from evaluators.scheduling.pipeline_schedule.pipeline import Ints, Pipeline
from evaluators.scheduling.pipeline_schedule.timing import (
    DeadlockError,
    Timing,
    device_orders,
    held_mb,
    time_orders,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Played:
    """A valid answer as it ran."""

    orders: list[Ints]  # by device
    timing: Timing
    peak_mb_D: Ints


def reply_field(pipeline: Pipeline) -> ReplyField:
    """What a program returns for this pipeline."""
    return ReplyField(name="order", dtype="int64", shape=(pipeline.passes,))


def read_order(pipeline: Pipeline, order: Array) -> Played:
    """The passes as they run in the program's order.

    Raises:
        CandidateFailure: `INVALID`: no permutation, more in memory than fits, or orders that wait for each other.
    """
    order_N = np.asarray(order, dtype=np.int64)
    _check_permutation(pipeline, order_N)
    orders = device_orders(pipeline, order_N)
    peaks = [_peak(pipeline, device, order) for device, order in enumerate(orders)]
    try:
        timing = time_orders(pipeline, orders)
    except DeadlockError as error:
        raise _invalid(f"expected orders that can be run, found a deadlock: {error}") from error
    return Played(orders=orders, timing=timing, peak_mb_D=np.array(peaks))


def _check_permutation(pipeline: Pipeline, order_N: Ints) -> None:
    count = pipeline.passes
    outside = order_N[(order_N < 0) | (order_N >= count)]
    if len(outside):
        raise _invalid(f"expected passes from 0 to {count - 1}, found {outside[0]}")
    times_N = np.bincount(order_N, minlength=count)
    if (times_N != 1).any():
        often, never = int(times_N.argmax()), int(times_N.argmin())
        raise _invalid(
            f"expected every pass once, found {pipeline.words(often)} (pass {often}) {times_N[often]} times and "
            f"{pipeline.words(never)} (pass {never}) never"
        )


def _peak(pipeline: Pipeline, device: int, order: Ints) -> int:
    """The most that a device holds, which must fit."""
    held, capacity = held_mb(pipeline, order), int(pipeline.capacity_mb_D[device])
    over = held > capacity
    if over.any():
        place = int(over.argmax())
        raise _invalid(
            f"expected at most {capacity} MB of activations on device {device}, found {held[place]} during "
            f"{pipeline.words(int(order[place]))}"
        )
    return int(held.max())


def _invalid(sentence: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, f"order: {sentence}")
