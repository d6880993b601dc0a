"""The layer from the kernels: its forward and backward pass, as a function and as a module.

Letters: T tokens, D width, E experts, K experts per token, R = T K rows, F expert width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from evaluators.kernels.activation import swiglu_backward
from evaluators.kernels.combine import combine
from evaluators.kernels.grouped import down, gate_up, rows_times_weights, weight_gradient
from evaluators.kernels.launch import DTYPES, check_runnable, device_name
from evaluators.kernels.permute import permute
from evaluators.kernels.reference import Routing, Schedule
from evaluators.kernels.router import scored_route
from evaluators.kernels.schedule import schedule
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.kernels.tiles import Backward, Step, Tiles, tiles_for


def moe_experts(x: Tensor, idx: Tensor, gates: Tensor, w_gate_up: Tensor, w_down: Tensor) -> Tensor:
    """The experts' part of the layer, ``(T, D)`` to ``(T, D)``; differentiable in all but the indices.

    Args:
        x: ``(T, D)``, float32, float16 or bfloat16; sums are in float32.
        idx: ``(T, K)`` int32, each entry in ``[0, E)``; not checked, as that would wait for the device.
        gates: ``(T, K)`` float32.
        w_gate_up: ``(E, D, 2 F)``, the gate's columns, then the other factor's; the dtype of `x`.
        w_down: ``(E, F, D)``; the dtype of `x`.
    """
    check_runnable(x)
    if not x.dtype == w_gate_up.dtype == w_down.dtype:
        raise TypeError(f"x and the weights need one dtype, got {x.dtype}, {w_gate_up.dtype}, {w_down.dtype}")
    out: Tensor = _Experts.apply(x, idx, gates, w_gate_up, w_down)
    return out


def route(
    x: Tensor, weight: Tensor, bias: Tensor, top_k: int, score: str = "softmax", renorm: bool = True
) -> tuple[Routing, Tensor]:
    """As `router.scored_route`, differentiable in `x` and `weight` through the gates and the scores ``(T, E)``."""
    idx, gates, scores = _Route.apply(x, weight, bias, top_k, score, renorm)
    return Routing(idx=idx, gates=gates), scores


class MoELayer(nn.Module):
    """A mixture of SwiGLU experts with its router; the weights are drawn by `torch`'s generator."""

    def __init__(
        self,
        width: int,
        expert_width: int,
        experts: int,
        top_k: int,
        *,
        score: str = "softmax",
        renorm: bool = True,
        dtype: torch.dtype = torch.bfloat16,
        device: torch.device | str = "cuda",
    ) -> None:
        super().__init__()
        self.top_k, self.score, self.renorm = top_k, score, renorm
        self.router = nn.Parameter(torch.empty(experts, width, dtype=dtype, device=device))
        self.w_gate_up = nn.Parameter(torch.empty(experts, width, 2 * expert_width, dtype=dtype, device=device))
        self.w_down = nn.Parameter(torch.empty(experts, expert_width, width, dtype=dtype, device=device))
        self.bias: Tensor  # of the choice alone, moved by a balancing rule (arXiv:2408.15664), not by gradients
        self.register_buffer("bias", torch.zeros(experts, dtype=torch.float32, device=device))
        nn.init.normal_(self.router, std=width**-0.5)
        nn.init.normal_(self.w_gate_up, std=width**-0.5)
        nn.init.normal_(self.w_down, std=expert_width**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., D)`` to ``(..., D)``."""
        tokens = x.reshape(-1, x.shape[-1])
        routing, _ = route(tokens, self.router, self.bias, self.top_k, self.score, self.renorm)
        return moe_experts(tokens, routing.idx, routing.gates, self.w_gate_up, self.w_down).reshape(x.shape)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The tiles of every step of one layer."""

    device_name: str
    shape: LayerShape

    def __call__(self, step: Step) -> Tiles:
        return tiles_for(self.device_name, step, self.shape)


def _plan(x: Tensor, idx: Tensor, w_down: Tensor) -> _Plan:
    experts, expert_width, width = w_down.shape
    tokens, top_k = idx.shape
    shape = LayerShape(
        tokens=tokens, width=width, experts=experts, top_k=top_k, expert_width=expert_width, dtype=DTYPES[x.dtype]
    )
    return _Plan(device_name(x.device), shape)


class _Experts(torch.autograd.Function):
    """`moe_experts`: keeps the products before the activation, ``(R, 2 F)``, and recomputes the rest."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, idx: Tensor, gates: Tensor, w_gate_up: Tensor, w_down: Tensor) -> Tensor:
        tiles, top_k = _plan(x, idx, w_down), idx.shape[1]
        rows = schedule(idx, w_down.shape[0])
        row_gates = gates.to(torch.float32).flatten()[rows.order]
        before = None
        if any(ctx.needs_input_grad):
            before = torch.empty((idx.numel(), w_gate_up.shape[2]), dtype=x.dtype, device=x.device)
        hidden = gate_up(x, rows.order, top_k, w_gate_up, rows, tiles(Stage.GATE_UP), before)
        out = combine(down(hidden, w_down, rows, row_gates, tiles(Stage.DOWN)), rows.place, tiles(Stage.COMBINE))
        ctx.tiles = tiles
        ctx.save_for_backward(x, gates, w_gate_up, w_down, before, row_gates, *_parts(rows))
        return out

    @staticmethod
    def backward(ctx: FunctionCtx, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        x, gates, w_gate_up, w_down, before, row_gates, *parts = ctx.saved_tensors
        rows, tiles, top_k = Schedule(*parts), ctx.tiles, gates.shape[1]
        needs_x, _, _, needs_gate_up, needs_down = ctx.needs_input_grad
        grad_rows = permute(grad_out, rows.order, top_k, rows.place, tiles(Stage.PERMUTE))
        grad_hidden = rows_times_weights(
            grad_rows, w_down, rows, Backward.GRAD_HIDDEN, transposed=True, tiles=tiles(Backward.GRAD_HIDDEN)
        )
        grad_before, scaled_hidden, grad_row_gates = swiglu_backward(before, grad_hidden, row_gates)
        del grad_hidden  # R F numbers, and below R (D + F), that need not stand beside what comes next
        grad_gates = grad_row_gates[rows.place].to(gates.dtype)
        grad_x = grad_gate_up = grad_down = None
        if needs_down:
            grad_down = weight_gradient(scaled_hidden, grad_rows, rows, Backward.GRAD_DOWN, tiles(Backward.GRAD_DOWN))
        del scaled_hidden, grad_rows
        if needs_gate_up:
            x_rows = permute(x, rows.order, top_k, rows.place, tiles(Stage.PERMUTE))
            grad_gate_up = weight_gradient(
                x_rows, grad_before, rows, Backward.GRAD_GATE_UP, tiles(Backward.GRAD_GATE_UP)
            )
            del x_rows
        if needs_x:
            by_row = rows_times_weights(
                grad_before, w_gate_up, rows, Backward.GRAD_ROWS, transposed=True, tiles=tiles(Backward.GRAD_ROWS)
            )
            grad_x = combine(by_row, rows.place, tiles(Stage.COMBINE))
        return grad_x, None, grad_gates, grad_gate_up, grad_down


def _parts(rows: Schedule) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return rows.counts, rows.offsets, rows.order, rows.place


class _Route(torch.autograd.Function):
    """`route`: the kernel forward; backward in torch, on ``(T, E)`` numbers."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor, top_k: int, score: str, renorm: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        routing, scores = scored_route(x, weight, bias, top_k, score, renorm)
        ctx.save_for_backward(x, weight, scores, routing.idx, routing.gates)
        ctx.score, ctx.renorm = score, renorm
        ctx.mark_non_differentiable(routing.idx)
        return routing.idx, routing.gates, scores

    @staticmethod
    def backward(ctx: FunctionCtx, _idx: Tensor, grad_gates: Tensor, grad_scores: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, scores, idx, gates = ctx.saved_tensors
        choice = idx.to(torch.int64)
        if ctx.renorm:
            total = scores.gather(1, choice).sum(1, keepdim=True)
            grad_gates = (grad_gates - (grad_gates * gates).sum(1, keepdim=True)) / total
        grad_scores = grad_scores.scatter_add(1, choice, grad_gates)
        if ctx.score == "softmax":
            grad_logits = scores * (grad_scores - (grad_scores * scores).sum(1, keepdim=True))
        else:
            grad_logits = grad_scores * scores * (1.0 - scores)
        grad_x = (grad_logits.to(weight.dtype) @ weight).to(x.dtype)
        grad_weight = (grad_logits.T.to(x.dtype) @ x).to(weight.dtype)
        return grad_x, grad_weight, None, None, None, None
