"""What one more expert costs, by its tokens: the arithmetic of a measured curve. Pure; knows no device.

A single expert is too small to fill a GPU and its launch counts in full, while a layer runs many side by side. So each
knot is measured with G experts and with 2 G, and what the second G add, over G, is the time of one beside others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from evaluators.kernels.timing import Launch, Timer

# Counts of tokens: every one where a tile of 64 or 128 begins to fill, then wider apart.
KNOTS = (
    1,
    2,
    4,
    8,
    16,
    32,
    48,
    64,
    96,
    128,
    160,
    192,
    256,
    320,
    384,
    512,
    640,
    768,
    1024,
    1280,
    1536,
    2048,
    3072,
    4096,
)
BESIDE = 8  # G

MakeLaunch = Callable[[Sequence[int]], Launch]  # the products of experts with so many rows each


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCurve:
    """Times of one expert."""

    tokens: tuple[int, ...]
    time_us: tuple[float, ...]  # of one more expert beside others, never decreasing
    alone_us: tuple[float, ...]  # of a launch with one expert
    spread: tuple[float, ...]  # the widest of the timings behind each knot
    offset_us: float  # of a launch, beyond its experts: median over the knots
    replaced: tuple[int, ...]  # knots where noise left nothing of the difference: the launch over its experts instead
    steady: bool  # whether the clock drifted little during every measurement


def measure_curve(
    timer: Timer, make_launch: MakeLaunch, knots: Sequence[int] = KNOTS, beside: int = BESIDE
) -> MeasuredCurve:
    """Time every knot with `beside` experts, twice as many, and one."""
    few, many, alone, spreads, steady = [], [], [], [], True
    for tokens in knots:
        found = timer.compare(
            {
                "few": make_launch([tokens] * beside),
                "many": make_launch([tokens] * 2 * beside),
                "alone": make_launch([tokens]),
            }
        ).timings
        few.append(found["few"].median_us)
        many.append(found["many"].median_us)
        alone.append(found["alone"].median_us)
        spreads.append(max(timing.spread for timing in found.values()))
        steady &= all(timing.steady for timing in found.values())
    added = [(twice - once) / beside for once, twice in zip(few, many, strict=True)]
    replaced = tuple(tokens for tokens, us in zip(knots, added, strict=True) if us <= 0)
    times = [us if us > 0 else twice / (2 * beside) for us, twice in zip(added, many, strict=True)]
    return MeasuredCurve(
        tokens=tuple(knots),
        time_us=tuple(float(us) for us in np.maximum.accumulate(times)),
        alone_us=tuple(alone),
        spread=tuple(spreads),
        offset_us=median(2 * once - twice for once, twice in zip(few, many, strict=True)),
        replaced=replaced,
        steady=steady,
    )
