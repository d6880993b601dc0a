"""What the program sees, and what it must keep to: the first part of the text that a sandboxed child loads.

`child_host.py` follows it in one module, so it imports nothing of ours.

Shapes: T tokens of a micro-batch, E experts, K experts per token, D width, S rows of stats.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

FAULT_BYTES = 300
MOST_STATS = 68


class Breach(Exception):  # noqa: N818 - told to the program's author
    """The program is not what the task asked for."""


@dataclass(frozen=True)
class RouterInputs:
    """What `select` sees of one layer and one micro-batch."""

    logits: Tensor  # (T, E) router outputs
    probs: Tensor  # (T, E) softmax or sigmoid of them
    seq_id: Tensor  # (T,) int64, which of the micro-batch's sequences
    expert_cost: Tensor  # (E,) latency per token, mean 1
    expert_group: Tensor  # (E,) int64, the device
    expert_kind: Tensor  # (E,) int64, 0: feed-forward, 1: gives zero, 2: copies
    score: str  # "softmax" or "sigmoid"
    gen: torch.Generator  # the only randomness
    layer: int
    num_layers: int
    num_experts: int
    top_k: int
    step: int
    total_steps: int
    training: bool


@dataclass(frozen=True)
class RouterBatch(RouterInputs):
    """What `loss` and `stats` see."""

    topk_idx: Tensor  # (T, K) int64, best first
    gates: Tensor  # (T, K) combine weights, with gradient
    counts: Tensor  # (E,) float32, tokens of each expert; they sum to T * K
    sel_scores: Tensor  # (T, E) what the top-k was taken of
    g_run: Tensor  # (S, E) mean of the stats of micro-batches 0 .. this one
    router_weight: Tensor  # (E, D) with gradient


class Untouched:
    """Sees to it that a function of the program edits nothing it was given, and leaves torch's own randomness alone."""

    def __init__(self, name: str, tensors: Sequence[Tensor]) -> None:
        self._name = name
        self._tensors = tensors
        self._copy = tensors[0].detach().clone()

    def __enter__(self) -> None:
        self._versions = [tensor._version for tensor in self._tensors]
        self._random = torch.get_rng_state()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is not None:
            return
        same = torch.equal(self._copy, self._tensors[0].detach())
        if not same or self._versions != [tensor._version for tensor in self._tensors]:
            raise Breach(f"{self._name} must not change what it is given; only update may change the state")
        if not torch.equal(self._random, torch.get_rng_state()):
            raise Breach(f"{self._name} must draw random numbers from b.gen only, but changed torch's generator")


def told(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` returns, or the breach as bytes."""
    try:
        return work()
    except Breach as error:
        text = str(error).encode("ascii", "replace")[:FAULT_BYTES]
        return {"fault": np.frombuffer(text.ljust(FAULT_BYTES, b"\0"), np.uint8)}


def scalar(value: object) -> Tensor:
    """A loss.

    Raises:
        Breach: It is none.
    """
    if not isinstance(value, Tensor) or value.dim() or value.dtype != torch.float32:
        found = f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise Breach(f"loss must return a scalar float32 tensor, found {found}")
    return value


def require_shape(name: str, value: object, shape: Sequence[int]) -> None:
    """Refuse another shape.

    Raises:
        Breach: It has one.
    """
    if not isinstance(value, Tensor) or tuple(value.shape) != tuple(shape):
        found = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise Breach(f"{name} must return a tensor of shape {tuple(shape)}, found {found}")


def stats_rows(value: object, num_experts: int) -> Tensor:
    """Statistics ``(S, E)``.

    Raises:
        Breach: They are none.
    """
    if not isinstance(value, Tensor) or value.dim() != 2 or value.shape[1] != num_experts:
        raise Breach(f"stats must return a tensor of shape (S, {num_experts})")
    if not 1 <= value.shape[0] <= MOST_STATS:
        raise Breach(f"stats may have 1 to {MOST_STATS} rows, found {value.shape[0]}")
    return value.detach().to(torch.float32).clone()


def gradients_of(total: Tensor, z: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """With respect to the logits and to the router's weight; zero where they are not used.

    Raises:
        Breach: They cannot be taken, or are not finite.
    """
    try:
        grads = torch.autograd.grad(total, (z, weight), allow_unused=True, materialize_grads=True)
    except RuntimeError as error:
        raise Breach(f"the gradient of the loss cannot be taken: {error}") from None
    for found in (total, *grads):
        if not bool(torch.isfinite(found).all()):
            raise Breach(
                "the loss and its gradient must be finite, found NaN or infinity; logits may be large or equal"
            )
    return grads[0].contiguous(), grads[1].contiguous()
