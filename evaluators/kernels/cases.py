"""Named routings that a kernel must survive, small enough for the interpreter or large enough for every tile of a GPU.

Needs numpy only. Letters: T tokens, D width, E experts, K experts per token, F expert width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from evaluators.kernels.shapes import LayerShape


class Popularity(StrEnum):
    """How a router spreads tokens over experts."""

    EVEN = "even"
    SKEWED = "skewed"  # the share of the n-th most popular expert falls as 1 / n
    HALF_EMPTY = "half_empty"  # every second expert gets nothing
    ONE_HOT = "one_hot"  # the last expert but one is a choice of every token


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A layer and how its tokens choose."""

    name: str
    shape: LayerShape
    popularity: Popularity = Popularity.EVEN
    tied: bool = False  # router inputs are small integers, so that many scores are equal to the last bit

    def draw(self, rng: np.random.Generator) -> npt.NDArray[np.int32]:
        """``(T, K)``: the experts of each token, different ones, in order of preference."""
        num_experts, top_k = self.shape.experts, self.shape.top_k
        log_share_E = self._log_share(num_experts)
        noise_TE = rng.gumbel(size=(self.shape.tokens, num_experts))  # the K largest: K draws without replacement
        chosen = np.argsort(-(noise_TE + log_share_E), axis=1, kind="stable")[:, :top_k]
        return chosen.astype(np.int32)

    def _log_share(self, num_experts: int) -> npt.NDArray[np.float64]:
        share = np.zeros(num_experts)
        if self.popularity is Popularity.SKEWED:
            share = -np.log1p(np.arange(num_experts))[::-1]
        elif self.popularity is Popularity.HALF_EMPTY:
            share[::2] = -np.inf
        elif self.popularity is Popularity.ONE_HOT:
            share[-2] = 1e9
        return share


def _case(
    name: str,
    sizes: tuple[int, int, int, int, int],
    popularity: Popularity = Popularity.EVEN,
    tied: bool = False,
) -> Case:
    tokens, width, experts, top_k, expert_width = sizes
    shape = LayerShape(
        tokens=tokens, width=width, experts=experts, top_k=top_k, expert_width=expert_width, dtype="float32"
    )
    return Case(name=name, shape=shape, popularity=popularity, tied=tied)


# No size is a multiple of the interpreter's blocks of 32, but where the case says so.
SMALL = (
    _case("one token", (1, 24, 3, 2, 16)),
    _case("whole blocks", (48, 64, 4, 2, 32)),
    _case("ragged", (45, 40, 5, 2, 24), Popularity.SKEWED),
    _case("empty experts", (37, 40, 8, 2, 24), Popularity.HALF_EMPTY),
    _case("one hot expert", (70, 24, 6, 1, 40), Popularity.ONE_HOT),
    _case("every expert", (19, 40, 3, 3, 24)),
    _case("ties", (33, 24, 12, 3, 16), tied=True),
    _case("many experts", (20, 16, 20, 4, 16), Popularity.SKEWED),
)
# The same for blocks of 128 and 256, with several row tiles for an expert and several column tiles.
LARGE = (
    _case("one token", (1, 256, 8, 2, 128)),
    _case("whole blocks", (2048, 512, 16, 4, 512)),
    _case("ragged", (3001, 520, 24, 3, 264), Popularity.SKEWED),
    _case("empty experts", (1500, 512, 64, 8, 384), Popularity.HALF_EMPTY),
    _case("one hot expert", (4100, 256, 60, 1, 320), Popularity.ONE_HOT),
    _case("every expert", (999, 264, 6, 6, 136)),
    _case("ties", (2500, 256, 48, 6, 128), tied=True),
    _case("many experts", (2222, 128, 250, 8, 128), Popularity.SKEWED),
)


def with_dtype(case: Case, dtype: str) -> Case:
    """The same case in another dtype, a key of `shapes.BYTES_OF`."""
    return replace(case, shape=replace(case.shape, dtype=dtype))
