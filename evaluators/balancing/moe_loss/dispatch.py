"""Which choices reach which experts: null experts, and tokens that are dropped. Torch.

Shapes: R rows, E experts, K experts per token, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from evaluators.balancing.moe_loss.shape import Shape


def combine_weights(scores_RE: Tensor, chosen_RK: Tensor, shape: Shape) -> Tensor:
    """Scores of the chosen experts over their sum; experts that give zero have no weight and count for nothing.

    Source of the latter: AdaMoE, arXiv 2406.13233.
    """
    gates = scores_RE.gather(-1, chosen_RK)
    if shape.null_experts and shape.null_kind == "zero":
        gates = gates * (chosen_RK < shape.working_experts)
    return gates / gates.sum(-1, keepdim=True).clamp_min(1e-9)


def copied(rows: Tensor, chosen_RK: Tensor, gates_RK: Tensor, shape: Shape) -> Tensor:
    """What null experts of the kind "copy" add."""
    return rows * (gates_RK * (chosen_RK >= shape.working_experts)).sum(-1, keepdim=True)


def to_working(chosen_RK: Tensor, gates_RK: Tensor, shape: Shape) -> tuple[Tensor, Tensor]:
    """Choices of null experts made choices of others with weight 0, so that any kernel of experts can be used.

    It costs their time here; the modelled time of a step does not charge it.
    """
    working = chosen_RK < shape.working_experts
    return torch.where(working, chosen_RK, chosen_RK % shape.working_experts), gates_RK * working


def kept(chosen_RK: Tensor, gates_RK: Tensor, shape: Shape) -> Tensor:
    """Whether each choice is within its expert's capacity; the smallest gates are dropped, ``(R, K)`` bool.

    Source: DeepSeek-V2, arXiv 2405.04434, section 2.2.4, there per device.
    """
    flat, gates = chosen_RK.flatten(), gates_RK.detach().flatten()
    by_gate = gates.argsort(descending=True, stable=True)
    order = by_gate[flat[by_gate].argsort(stable=True)]  # by expert, then the largest gates first
    starts = torch.bincount(flat, minlength=shape.num_experts).cumsum(0).roll(1)
    starts[0] = 0
    rank = torch.empty_like(flat)
    rank[order] = torch.arange(flat.numel(), device=flat.device) - starts[flat[order]]
    return (rank < shape.capacity_tokens(len(chosen_RK))).reshape(chosen_RK.shape)
