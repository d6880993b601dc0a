"""The ceilings of this GPU: what a large copy, a large matrix product and an empty launch take. Random data."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from evaluators.kernels.floors import Ceilings
from evaluators.kernels.timing import Timer, Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingSizes:
    """What is copied and multiplied."""

    copied_bytes: int = 1 << 32  # read, and as many written
    matrix_width: int = 8192
    dtype: torch.dtype = torch.bfloat16


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCeilings:
    """The rates and the timings behind them."""

    ceilings: Ceilings
    copy: Timing
    product: Timing
    launch: Timing


def measure_ceilings(timer: Timer, device: torch.device, sizes: CeilingSizes, seed: int = 0) -> MeasuredCeilings:
    """Time the three, one after the other; the copy's buffers are gone before the matrices are made."""
    draw = torch.Generator(device).manual_seed(seed)
    copied = _time_copy(timer, device, sizes, draw)
    width = sizes.matrix_width
    left, right = (torch.randn(width, width, generator=draw, device=device).to(sizes.dtype) for _ in range(2))
    out = torch.empty_like(left)
    product = timer.time(lambda: torch.mm(left, right, out=out))
    one = torch.ones(1, device=device)
    launch = timer.time(one.zero_)
    return MeasuredCeilings(
        ceilings=Ceilings(
            matrix_tflops=2e-6 * width**3 / product.median_us,
            copy_gb_s=2e-3 * sizes.copied_bytes / copied.median_us,
            launch_us=launch.median_us,
        ),
        copy=copied,
        product=product,
        launch=launch,
    )


def _time_copy(timer: Timer, device: torch.device, sizes: CeilingSizes, draw: torch.Generator) -> Timing:
    source = torch.randn(sizes.copied_bytes // 4, generator=draw, device=device)
    target = torch.empty_like(source)
    return timer.time(lambda: target.copy_(source))
