"""The same steps in torch, to compare with: `torch._grouped_mm`, and a loop over experts.

Letters: T tokens, D width, E experts, K experts per token, R = T K rows, F expert width.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import silu

from evaluators.kernels import reference
from evaluators.kernels.reference import Schedule
from evaluators.kernels.shapes import Stage
from evaluators.kernels.stages import LayerInputs, whole
from evaluators.kernels.timing import Launch


def torch_launch(step: Stage, inputs: LayerInputs) -> Launch:
    """The stage in torch, its matrix products by ``torch._grouped_mm``."""
    plan, top_k = inputs.schedule, inputs.shape.top_k
    launches: Mapping[Stage, Launch] = {
        Stage.ROUTER: lambda: _torch_gates(inputs, inputs.x, inputs.w_router),
        Stage.SCHEDULE: lambda: reference.schedule(inputs.routing.idx, inputs.shape.experts),
        Stage.PERMUTE: lambda: reference.permute(inputs.x, plan.order, top_k),
        Stage.GATE_UP: lambda: _torch_gate_up(inputs.x, inputs.w_gate_up, plan, top_k),
        Stage.DOWN: lambda: _torch_down(inputs.hidden, inputs.w_down, plan, inputs.row_gates),
        Stage.COMBINE: lambda: _combined(inputs.rows, plan),
    }
    return launches[step]


def torch_whole_layer(name: str, inputs: LayerInputs, looped: bool = False) -> Launch:
    """The layer in torch: by ``torch._grouped_mm``, or `looped`, with one product after another for each expert.

    Its schedule is made by `reference.schedule`, in every call, as ours is; the loop asks the device for the counts.
    """

    def experts(x: Tensor, gates: Tensor, w_gate_up: Tensor, w_down: Tensor) -> Tensor:
        plan = reference.schedule(inputs.routing.idx, inputs.shape.experts)
        row_gates = gates.flatten().index_select(0, plan.order)
        if looped:
            return _looped(x, w_gate_up, w_down, plan, row_gates, inputs.shape.top_k)
        rows = _torch_down(_torch_gate_up(x, w_gate_up, plan, inputs.shape.top_k), w_down, plan, row_gates)
        return _combined(rows, plan)

    return whole(name, inputs, lambda x, w_router: _torch_gates(inputs, x, w_router), experts)


def _torch_gates(inputs: LayerInputs, x: Tensor, w_router: Tensor) -> Tensor:
    scores = (x @ w_router.T).float().softmax(-1)
    idx = torch.topk(scores + inputs.bias, inputs.shape.top_k, dim=-1).indices
    gates = scores.gather(1, idx)
    return gates / gates.sum(-1, keepdim=True)


def _torch_gate_up(x: Tensor, w_gate_up: Tensor, plan: Schedule, top_k: int) -> Tensor:
    gate, up = torch._grouped_mm(_permuted(x, plan, top_k), w_gate_up, offs=plan.offsets[1:]).chunk(2, dim=1)
    return silu(gate) * up


def _torch_down(hidden: Tensor, w_down: Tensor, plan: Schedule, row_gates: Tensor) -> Tensor:
    return torch._grouped_mm(hidden, w_down, offs=plan.offsets[1:]) * row_gates.to(hidden.dtype)[:, None]


def _looped(x: Tensor, w_gate_up: Tensor, w_down: Tensor, plan: Schedule, row_gates: Tensor, top_k: int) -> Tensor:
    parts = []
    scales = row_gates.to(x.dtype).split(plan.counts.tolist())
    for expert, rows in enumerate(_permuted(x, plan, top_k).split(plan.counts.tolist())):
        gate, up = (rows @ w_gate_up[expert]).chunk(2, dim=1)
        parts.append((silu(gate) * up) @ w_down[expert] * scales[expert][:, None])
    return _combined(torch.cat(parts), plan)


def _permuted(x: Tensor, plan: Schedule, top_k: int) -> Tensor:
    """By `index_select`: the gradient of ``x[index]`` would sort the indices in every call."""
    return x.index_select(0, plan.order // top_k)


def _combined(rows: Tensor, plan: Schedule) -> Tensor:
    return rows.index_select(0, plan.place.flatten()).reshape(*plan.place.shape, -1).sum(1)
