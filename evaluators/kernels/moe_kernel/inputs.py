"""What a stage is tried on, and what it should give. On the CPU or on a GPU; needs torch.

Letters: T tokens, D width, E experts, K experts per token, R = T K rows, F expert width.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from evaluators.kernels import reference
from evaluators.kernels.moe_kernel.stages import Load
from evaluators.kernels.shapes import LayerShape, Stage

DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int32": torch.int32,
}


def make_inputs(stage: Stage, shape: LayerShape, load: Load, seed: int, device: torch.device) -> dict[str, Tensor]:
    """The inputs of `stage` by name; the same seed gives the same ones on the same kind of device."""
    draw = torch.Generator(device).manual_seed(seed)

    def normal(*size: int, scale: float = 1.0) -> Tensor:
        drawn = torch.randn(*size, generator=draw, device=device, dtype=torch.float32)
        return (drawn * scale).to(DTYPES[shape.dtype])

    tokens, width, experts, inner = shape.tokens, shape.width, shape.experts, shape.expert_width
    if stage is Stage.ROUTER:
        bias = torch.randn(experts, generator=draw, device=device) * 0.01 + _popularity(load, shape, device) * 0.02
        return {"x": normal(tokens, width), "weight": normal(experts, width, scale=width**-0.5), "bias": bias}
    plan = reference.schedule(_choices(load, shape, draw, device), experts)
    if stage is Stage.COMBINE:
        return {"rows": normal(shape.rows, width), "place": plan.place.contiguous()}
    if stage is Stage.PERMUTE:
        return {"x": normal(tokens, width), "order": plan.order}
    if stage is Stage.GATE_UP:
        weight = torch.stack([normal(width, 2 * inner, scale=width**-0.5) for _ in range(experts)])
        return {"x": normal(tokens, width), "order": plan.order, "w_gate_up": weight, "offsets": plan.offsets}
    hidden = normal(shape.rows, inner)
    weight = torch.stack([normal(inner, width, scale=inner**-0.5) for _ in range(experts)])
    gates = torch.rand(shape.rows, generator=draw, device=device) + 0.05
    return {"hidden": hidden, "w_down": weight, "offsets": plan.offsets, "row_gates": gates}


def expected(stage: Stage, shape: LayerShape, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the stage should write, in float64 for all but copies; the router's is every expert's score, ``(T, E)``."""
    if stage is Stage.PERMUTE:
        return {"rows": reference.permute(given["x"], given["order"], shape.top_k)}
    wide = {name: value.double() if value.is_floating_point() else value for name, value in given.items()}
    if stage is Stage.ROUTER:
        return {"scores": (wide["x"] @ wide["weight"].T).softmax(-1)}
    if stage is Stage.COMBINE:
        return {"out": reference.combine(wide["rows"], given["place"])}
    if stage is Stage.GATE_UP:
        rows = reference.permute(wide["x"], given["order"], shape.top_k)
        return {"hidden": reference.gate_up(rows, wide["w_gate_up"], given["offsets"])}
    rows = reference.down(wide["hidden"], wide["w_down"], given["offsets"], wide["row_gates"])
    return {"rows": rows}


def active_experts(shape: LayerShape, given: Mapping[str, Tensor]) -> int:
    """How many experts have a row, where the stage's inputs tell."""
    return int((given["offsets"].diff() > 0).sum()) if "offsets" in given else shape.experts


def _choices(load: Load, shape: LayerShape, draw: torch.Generator, device: torch.device) -> Tensor:
    """``(T, K)`` different experts of each token, drawn by popularity (Gumbel's trick)."""
    uniform = torch.rand(shape.tokens, shape.experts, generator=draw, device=device).clamp_(1e-9, 1 - 1e-7)
    gumbel = -torch.log(-torch.log(uniform))
    return torch.topk(gumbel + _popularity(load, shape, device), shape.top_k, dim=-1).indices.to(torch.int32)


def _popularity(load: Load, shape: LayerShape, device: torch.device) -> Tensor:
    """The logarithm of each expert's popularity, ``(E,)``; expert numbers are in no order of popularity."""
    experts = shape.experts
    rank = torch.arange(experts, device=device) * 7 % experts if experts % 7 else torch.arange(experts, device=device)
    match load:
        case Load.EVEN:
            return torch.zeros(experts, device=device)
        case Load.SKEWED:
            return -torch.log1p(rank.float())
        case Load.HOT:
            return torch.where(rank == 0, 8.0, 0.0)
        case Load.SPARSE:
            idle = min(experts // 4, experts - shape.top_k)
            return torch.where(rank < idle, -1e3, 0.0)
