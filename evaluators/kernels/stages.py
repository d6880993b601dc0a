"""Every step of the layer, and the whole of it, as a launch to be timed or tuned.

Letters: T tokens, D width, E experts, K experts per token, R = T K rows, F expert width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluators.kernels import grouped, layer, reference, router
from evaluators.kernels.combine import combine
from evaluators.kernels.launch import device_name, dtype_named
from evaluators.kernels.permute import permute
from evaluators.kernels.reference import Routing, Schedule
from evaluators.kernels.schedule import schedule
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.kernels.tiles import Backward, Step, Tiles, tiles_for
from evaluators.kernels.timing import Launch

FORWARD, FORWARD_BACKWARD = "forward", "forward_backward"  # the whole layer, its router included


@dataclass(frozen=True, slots=True)
class LayerInputs:
    """Random weights, tokens and what every stage of the layer makes of them, on one device."""

    shape: LayerShape
    x: Tensor  # (T, D)
    w_router: Tensor  # (E, D)
    bias: Tensor  # (E,) float32
    routing: Routing  # (T, K); drawn, not the router's choice, so that the loads are those asked for
    w_gate_up: Tensor  # (E, D, 2 F)
    w_down: Tensor  # (E, F, D)
    schedule: Schedule
    rows: Tensor  # (R, D) tokens by expert
    row_gates: Tensor  # (R,) float32
    hidden: Tensor  # (R, F)
    double: Tensor  # (R, 2 F), in the place of the gradient before the activation
    grad_out: Tensor  # (T, D)


def layer_inputs(
    shape: LayerShape, device: torch.device, seed: int = 0, counts: Sequence[int] | None = None
) -> LayerInputs:
    """Inputs drawn from `seed`; zeros would run faster than real data.

    Args:
        shape: Of the layer.
        device: Where.
        seed: Of the draw.
        counts: ``(E,)`` rows of each expert, R in all; as even as can be where it is None. An expert may then be
            chosen twice by a token, which changes nothing for the kernels.

    Raises:
        ValueError: `counts` are not E numbers of sum R.
    """
    draw, dtype = torch.Generator(device).manual_seed(seed), dtype_named(shape.dtype)

    def normal(*size: int, scale: float = 1.0) -> Tensor:
        return torch.empty(size, dtype=dtype, device=device).normal_(std=scale, generator=draw)

    T, D, E, K, F = shape.tokens, shape.width, shape.experts, shape.top_k, shape.expert_width  # noqa: N806
    idx = _drawn_idx(shape, device, draw, counts)
    gates = torch.rand(T, K, generator=draw, device=device)
    gates /= gates.sum(1, keepdim=True)
    plan = reference.schedule(idx, E)
    x = normal(T, D)
    return LayerInputs(
        shape=shape,
        x=x,
        w_router=normal(E, D, scale=D**-0.5),
        bias=torch.zeros(E, device=device),
        routing=Routing(idx=idx, gates=gates),
        w_gate_up=normal(E, D, 2 * F, scale=D**-0.5),
        w_down=normal(E, F, D, scale=F**-0.5),
        schedule=plan,
        rows=reference.permute(x, plan.order, K),
        row_gates=gates.flatten()[plan.order],
        hidden=normal(T * K, F),
        double=normal(T * K, 2 * F),
        grad_out=normal(T, D),
    )


def launch(step: Step, inputs: LayerInputs, tiles: Tiles | None = None) -> Launch:
    """Our kernel of one step on `inputs`, with these tiles or those it would take by itself."""
    chosen = tiles or tiles_for(device_name(inputs.x.device), step, inputs.shape)
    plan, top_k = inputs.schedule, inputs.shape.top_k
    launches: Mapping[Step, Launch] = {
        Stage.ROUTER: lambda: router.route(inputs.x, inputs.w_router, inputs.bias, top_k, tiles=chosen),
        Stage.SCHEDULE: lambda: schedule(inputs.routing.idx, inputs.shape.experts),
        Stage.PERMUTE: lambda: permute(inputs.x, plan.order, top_k, plan.place, chosen),
        Stage.GATE_UP: lambda: grouped.gate_up(inputs.x, plan.order, top_k, inputs.w_gate_up, plan, chosen),
        Stage.DOWN: lambda: grouped.down(inputs.hidden, inputs.w_down, plan, inputs.row_gates, chosen),
        Stage.COMBINE: lambda: combine(inputs.rows, plan.place, chosen),
        Backward.GRAD_HIDDEN: lambda: grouped.rows_times_weights(
            inputs.rows, inputs.w_down, plan, Backward.GRAD_HIDDEN, transposed=True, tiles=chosen
        ),
        Backward.GRAD_ROWS: lambda: grouped.rows_times_weights(
            inputs.double, inputs.w_gate_up, plan, Backward.GRAD_ROWS, transposed=True, tiles=chosen
        ),
        Backward.GRAD_GATE_UP: lambda: grouped.weight_gradient(
            inputs.rows, inputs.double, plan, Backward.GRAD_GATE_UP, chosen
        ),
        Backward.GRAD_DOWN: lambda: grouped.weight_gradient(
            inputs.hidden, inputs.rows, plan, Backward.GRAD_DOWN, chosen
        ),
    }
    return launches[step]


def whole_layer(name: str, inputs: LayerInputs) -> Launch:
    """Our layer, router included: ``"forward"`` without gradients, or ``"forward_backward"``.

    The router runs and its scores are used up to its choice; the experts then take the drawn routing.
    """

    def experts(x: Tensor, gates: Tensor, w_gate_up: Tensor, w_down: Tensor) -> Tensor:
        return layer.moe_experts(x, inputs.routing.idx, gates, w_gate_up, w_down)

    def gates_of(x: Tensor, w_router: Tensor) -> Tensor:
        return layer.route(x, w_router, inputs.bias, inputs.shape.top_k)[0].gates

    return whole(name, inputs, gates_of, experts)


def _drawn_idx(shape: LayerShape, device: torch.device, draw: torch.Generator, counts: Sequence[int] | None) -> Tensor:
    even = [shape.rows // shape.experts + (expert < shape.rows % shape.experts) for expert in range(shape.experts)]
    loads = even if counts is None else list(counts)
    if len(loads) != shape.experts or sum(loads) != shape.rows:
        raise ValueError(f"expected {shape.experts} counts of sum {shape.rows}, found {len(loads)} of sum {sum(loads)}")
    experts = torch.arange(shape.experts, dtype=torch.int32, device=device)
    flat = experts.repeat_interleave(torch.tensor(loads, device=device))
    return flat[torch.randperm(shape.rows, generator=draw, device=device)].reshape(shape.tokens, shape.top_k)


def whole(
    name: str,
    inputs: LayerInputs,
    gates_of: Callable[[Tensor, Tensor], Tensor],
    experts: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
) -> Launch:
    """A layer of these two parts, with or without its gradients.

    Args:
        name: ``"forward"`` or ``"forward_backward"``.
        inputs: What it runs on.
        gates_of: Gates ``(T, K)`` of the tokens and the router's weights.
        experts: Tokens, gates and the experts' weights to ``(T, D)``.

    Raises:
        ValueError: Another name.
    """
    if name not in (FORWARD, FORWARD_BACKWARD):
        raise ValueError(f"name must be {FORWARD!r} or {FORWARD_BACKWARD!r}, got {name!r}")
    weights = (inputs.x, inputs.w_router, inputs.w_gate_up, inputs.w_down)
    if name == FORWARD:

        def forward() -> Tensor:
            with torch.no_grad():
                return experts(inputs.x, gates_of(inputs.x, inputs.w_router), inputs.w_gate_up, inputs.w_down)

        return forward
    leaves = [weight.detach().requires_grad_() for weight in weights]

    def forward_backward() -> tuple[Tensor, ...]:
        x, w_router, w_gate_up, w_down = leaves
        out = experts(x, gates_of(x, w_router), w_gate_up, w_down)
        gradients: tuple[Tensor, ...] = torch.autograd.grad(out, leaves, inputs.grad_out)
        return gradients

    return forward_backward
