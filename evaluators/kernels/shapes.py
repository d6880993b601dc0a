"""The sizes of a mixture-of-experts layer, its stages, and the least work that each of them is. Standard library only.

Letters: T tokens, D width, E experts, K experts per token, R = T K rows, F expert width.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

BYTES_OF = {"float32": 4, "float16": 2, "bfloat16": 2}
_INDEX_BYTES = 4
_FLOAT32_BYTES = 4


class Stage(StrEnum):
    """One step of the layer, forward."""

    ROUTER = "router"  # scores, the K best experts of each token, their gates
    SCHEDULE = "schedule"  # rows per expert, and where each row goes
    PERMUTE = "permute"  # the rows of each expert side by side
    GATE_UP = "gate_up"  # grouped matrix product with SwiGLU behind it
    DOWN = "down"  # grouped matrix product, scaled by the gates
    COMBINE = "combine"  # the sum of each token's K rows


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerShape:
    """One layer on one GPU."""

    tokens: int
    width: int
    experts: int
    top_k: int
    expert_width: int
    dtype: str = "bfloat16"  # of activations and weights; a key of `BYTES_OF`

    @property
    def rows(self) -> int:
        """Rows that the experts see, R: every token once for each of its experts."""
        return self.tokens * self.top_k


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a stage cannot do without: arithmetic, and bytes between the chip and its memory."""

    flops: float
    bytes: float

    def __add__(self, other: Work) -> Work:
        return Work(flops=self.flops + other.flops, bytes=self.bytes + other.bytes)


def stage_work(stage: Stage, shape: LayerShape, active_experts: int | None = None) -> Work:
    """The least work of `stage`, each input read once and each output written once.

    Experts without a row need not be read: `active_experts` is how many have one, all of them where it is None.
    """
    size = BYTES_OF[shape.dtype]
    T, D, E, K, F, R = shape.tokens, shape.width, shape.experts, shape.top_k, shape.expert_width, shape.rows  # noqa: N806
    active = E if active_experts is None else active_experts
    if stage is Stage.ROUTER:
        return Work(flops=2.0 * T * D * E, bytes=size * (T * D + E * D) + T * K * (_INDEX_BYTES + _FLOAT32_BYTES))
    if stage is Stage.SCHEDULE:
        return Work(flops=0.0, bytes=_INDEX_BYTES * (3.0 * R + 2 * E))
    if stage is Stage.PERMUTE:
        return Work(flops=0.0, bytes=float(size * D * (T + R) + _INDEX_BYTES * R))
    if stage is Stage.GATE_UP:
        return Work(flops=4.0 * R * D * F, bytes=float(size * (T * D + 2 * active * D * F + R * F)))
    if stage is Stage.DOWN:
        return Work(flops=2.0 * R * D * F, bytes=float(size * (R * F + active * D * F + R * D)))
    return Work(flops=float(R * D), bytes=float(size * D * (R + T) + _INDEX_BYTES * R))
