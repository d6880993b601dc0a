"""The layer, stage by stage, in plain torch: what the kernels are held to. Any dtype; float64 for derivatives.

Letters: T tokens, D width, E experts, K experts per token, R = T K rows, F expert width.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

SCORES = ("softmax", "sigmoid")


@dataclass(frozen=True, slots=True)
class Routing:
    """Which experts each token goes to, and how much of each it takes."""

    idx: Tensor  # (T, K) int32, best first; of equal scores the lower expert comes first
    gates: Tensor  # (T, K) float32 or float64


@dataclass(frozen=True, slots=True)
class Schedule:
    """The rows of every expert side by side, within an expert in the order of tokens."""

    counts: Tensor  # (E,) int32, rows of each expert
    offsets: Tensor  # (E + 1,) int32, where each expert's rows begin
    order: Tensor  # (R,) int32, the flat place t K + k in `Routing.idx` of each row
    place: Tensor  # (T, K) int32, the row of each flat place: the inverse of `order`


def router(x: Tensor, weight: Tensor, bias: Tensor, top_k: int, score: str = "softmax", renorm: bool = True) -> Routing:
    """The `top_k` best experts of each token.

    Args:
        x: ``(T, D)``.
        weight: ``(E, D)``; logits are ``x @ weight.T``, in float32 at least.
        bias: ``(E,)`` added to the scores for the choice alone, as in loss-free balancing (arXiv:2408.15664).
        top_k: K.
        score: ``"softmax"`` or ``"sigmoid"`` of the logits.
        renorm: Gates of a token sum to 1; otherwise they are the scores themselves.
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    logits = x.to(wide) @ weight.to(wide).T
    scores = logits.softmax(-1) if score == "softmax" else torch.sigmoid(logits)
    ranked = torch.sort((scores + bias.to(wide)).detach(), dim=-1, descending=True, stable=True).indices
    idx = ranked[:, :top_k]
    gates = scores.gather(1, idx)
    if renorm:
        gates = gates / gates.sum(-1, keepdim=True)
    return Routing(idx=idx.to(torch.int32), gates=gates)


def schedule(idx: Tensor, num_experts: int) -> Schedule:
    """Where the rows of ``idx`` ``(T, K)`` go: a stable counting sort by expert, without waiting for the device."""
    flat = idx.flatten().to(torch.int64)
    order = torch.sort(flat, stable=True).indices
    place = torch.empty_like(order)
    place[order] = torch.arange(order.numel(), device=idx.device)
    counts = flat.new_zeros(num_experts).scatter_add_(0, flat, torch.ones_like(flat))
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return Schedule(
        counts=counts.to(torch.int32),
        offsets=offsets.to(torch.int32),
        order=order.to(torch.int32),
        place=place.reshape(idx.shape).to(torch.int32),
    )


def permute(x: Tensor, order: Tensor, top_k: int) -> Tensor:
    """The tokens ``x`` ``(T, D)`` as rows ``(R, D)``, expert by expert."""
    return x[order.to(torch.int64) // top_k]


def gate_up(rows: Tensor, w_gate_up: Tensor, offsets: Tensor) -> Tensor:
    """SwiGLU of each row with its own expert's weights (arXiv:2002.05202).

    Args:
        rows: ``(R, D)``, sorted by expert.
        w_gate_up: ``(E, D, 2 F)``: the gate's columns, then the other factor's.
        offsets: ``(E + 1,)``.

    Returns:
        ``(R, F)`` in the dtype of `rows`.
    """
    both = _grouped(rows, w_gate_up, offsets)
    gate, up = both.chunk(2, dim=1)
    return (torch.nn.functional.silu(gate) * up).to(rows.dtype)


def down(hidden: Tensor, w_down: Tensor, offsets: Tensor, row_gates: Tensor) -> Tensor:
    """Back to the width, scaled by the gate of each row.

    Args:
        hidden: ``(R, F)``, sorted by expert.
        w_down: ``(E, F, D)``.
        offsets: ``(E + 1,)``.
        row_gates: ``(R,)``.

    Returns:
        ``(R, D)`` in the dtype of `hidden`.
    """
    product = _grouped(hidden, w_down, offsets)
    return (product * row_gates.to(product.dtype)[:, None]).to(hidden.dtype)


def combine(rows: Tensor, place: Tensor) -> Tensor:
    """The sum of each token's K rows: ``(R, D)`` and ``(T, K)`` give ``(T, D)``, added in float32 at least."""
    wide = torch.promote_types(rows.dtype, torch.float32)
    return rows[place.to(torch.int64)].to(wide).sum(1).to(rows.dtype)


def layer(x: Tensor, routing: Routing, w_gate_up: Tensor, w_down: Tensor) -> Tensor:
    """The experts' part of the layer, ``(T, D)`` to ``(T, D)``; differentiable in all but the indices."""
    top_k = routing.idx.shape[1]
    plan = schedule(routing.idx, w_down.shape[0])
    rows = permute(x, plan.order, top_k)
    row_gates = routing.gates.flatten()[plan.order.to(torch.int64)]
    return combine(down(gate_up(rows, w_gate_up, plan.offsets), w_down, plan.offsets, row_gates), plan.place)


def _grouped(rows: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
    """Each expert's rows times its matrix, in float32 at least."""
    wide = torch.promote_types(rows.dtype, torch.float32)
    bounds = offsets.tolist()
    parts = [
        rows[start:stop].to(wide) @ weights[expert].to(wide) for expert, (start, stop) in enumerate(pairwise(bounds))
    ]
    return torch.cat(parts)
