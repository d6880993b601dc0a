"""One trial of a kernel: a case on a device, its random inputs, poison for its outputs, and the measure of its error.

Letters: T tokens, D width, E experts, K experts per token, F expert width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from evaluators.kernels.cases import Case

# Largest relative error of a row, by dtype: float32 differs by the order of its sums; the others by the rounding of
# what a stage hands on, half a unit in the last of 11 and 8 bits, a few times over.
TOLERANCE = MappingProxyType({torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 2e-2})
_POISONED_INDEX = 1 << 20  # out of every bound here, but not so far as to bring a device down


class WrongResultError(AssertionError):
    """A kernel's result is not the reference's."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One case on one device, with inputs of its own."""

    case: Case
    device: torch.device
    dtype: torch.dtype
    seed: int

    def idx(self) -> Tensor:
        """``(T, K)`` int32 choices."""
        return torch.from_numpy(self.case.draw(np.random.default_rng(self.seed))).to(self.device)

    def normal(self, *size: int, scale: float = 1.0, seed: int = 0) -> Tensor:
        """Normal numbers, another draw for another `seed`."""
        draw = torch.Generator().manual_seed(self.seed * 1000 + seed)
        return (torch.randn(size, generator=draw) * scale).to(self.device, self.dtype)

    def gates(self) -> Tensor:
        """``(T, K)`` float32 of sum 1 for each token."""
        return self.normal(self.case.shape.tokens, self.case.shape.top_k, seed=1).float().softmax(-1)

    def weights(self) -> tuple[Tensor, Tensor]:
        """``(E, D, 2 F)`` and ``(E, F, D)``, scaled so that every stage's numbers are about 1."""
        experts, width, inner = self.case.shape.experts, self.case.shape.width, self.case.shape.expert_width
        return (
            self.normal(experts, width, 2 * inner, scale=width**-0.5, seed=2),
            self.normal(experts, inner, width, scale=inner**-0.5, seed=3),
        )

    def router(self) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens ``(T, D)``, weights ``(E, D)`` and bias ``(E,)``."""
        shape = self.case.shape
        x, weight = self.normal(shape.tokens, shape.width, seed=4), self.normal(shape.experts, shape.width, seed=5)
        if self.case.tied:  # a power of two keeps logits exact, and small enough that no sigmoid rounds to 1
            weight = weight.round().clamp(-1, 1) * 2.0 ** -round(math.log2(shape.width) / 2)
            return x.round().clamp(-1, 1), weight, torch.zeros(shape.experts, device=self.device)
        bias = self.normal(shape.experts, scale=0.01, seed=6).float()
        return x, weight * shape.width**-0.5, bias


@contextmanager
def poisoned() -> Iterator[None]:
    """Within it, memory that a kernel is given to write to holds NaN, or an index far out of bounds."""
    empty, empty_like = torch.empty, torch.empty_like

    def poison(memory: Tensor) -> Tensor:
        return memory.fill_(float("nan") if memory.is_floating_point() else _POISONED_INDEX)

    with (
        patch.object(torch, "empty", lambda *args, **kwargs: poison(empty(*args, **kwargs))),
        patch.object(torch, "empty_like", lambda *args, **kwargs: poison(empty_like(*args, **kwargs))),
    ):
        yield


def row_error(found: Tensor, expected: Tensor) -> float:
    """The largest error of a row, relative to the row, or to half the mean row where the row is smaller than that."""
    if not found.numel():
        return 0.0
    wide = expected.detach().double()
    size = wide.norm(dim=-1)
    error = (found.detach().double() - wide).norm(dim=-1) / size.clamp_min(0.5 * float(size.mean()) + 1e-30)
    largest = float(error.max())
    return largest if bool(error.isfinite().all()) else float("inf")


def within(errors: dict[str, float], tolerance: float) -> dict[str, float]:
    """The same errors.

    Raises:
        WrongResultError: One is above `tolerance`, or is no number.
    """
    wrong = {name: error for name, error in errors.items() if not error <= tolerance}
    if wrong:
        raise WrongResultError(f"relative errors above {tolerance:g}: {wrong}")
    return errors
