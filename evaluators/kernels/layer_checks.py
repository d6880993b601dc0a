"""The whole layer against the reference in float64: what comes out of it, and its gradients. Part of `checks`."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from evaluators.kernels import layer, reference, router
from evaluators.kernels.trial import TOLERANCE, Trial, poisoned, row_error, within


def check_gradients(trial: Trial) -> Mapping[str, float]:
    """The experts' output and its gradients in everything that has one."""
    shape = trial.case.shape
    idx, x, grad = trial.idx(), trial.normal(shape.tokens, shape.width), trial.normal(shape.tokens, shape.width, seed=9)
    leaves = [leaf.requires_grad_() for leaf in (x, trial.gates(), *trial.weights())]
    wide = [leaf.detach().double().requires_grad_() for leaf in leaves]
    with poisoned():
        out = layer.moe_experts(leaves[0], idx, *leaves[1:])
        found = torch.autograd.grad(out, leaves, grad)
    expected_out = reference.layer(wide[0], reference.Routing(idx=idx, gates=wide[1]), *wide[2:])
    expected = torch.autograd.grad(expected_out, wide, grad.double())
    x_error, gates_error, *weights_errors = (row_error(a, b) for a, b in zip(found, expected, strict=True))
    errors = {"out": row_error(out, expected_out), "d x": x_error, "d w_gate_up": weights_errors[0]}
    errors["d w_down"] = weights_errors[1]
    # a token's K inner products, where errors do not average over a row: 3 % at K = 1 in bfloat16 from rounding alone
    return within(errors, TOLERANCE[trial.dtype]) | within({"d gates": gates_error}, 3 * TOLERANCE[trial.dtype])


def check_routed_layer(trial: Trial) -> Mapping[str, float]:
    """The module with its router: gradients through the gates reach the router and the tokens."""
    shape = trial.case.shape
    renorm = shape.top_k > 1  # a single gate of sum 1 is constant, its gradient the rounding of 0
    module = layer.MoELayer(
        shape.width, shape.expert_width, shape.experts, shape.top_k,
        renorm=renorm, dtype=trial.dtype, device=trial.device,
    )  # fmt: skip
    x, weight, bias = trial.router()
    grad = trial.normal(shape.tokens, shape.width, seed=9)
    with torch.no_grad():
        for own, drawn in zip(
            (module.router, module.w_gate_up, module.w_down), (weight, *trial.weights()), strict=True
        ):
            own.copy_(drawn)
        module.bias.copy_(bias)
    leaves = [x.requires_grad_(), module.router, module.w_gate_up, module.w_down]
    wide = [leaf.detach().double().requires_grad_() for leaf in leaves]
    with poisoned():
        out = module(x)
        found = torch.autograd.grad(out, leaves, grad)
    with (
        torch.no_grad()
    ):  # the kernel's choice, judged by `check_router`: of two experts close to a tie either is right
        idx = router.route(x, module.router, bias, shape.top_k).idx
    gates = (wide[0] @ wide[1].T).softmax(-1).gather(1, idx.to(torch.int64))
    gates = gates / gates.sum(-1, keepdim=True) if renorm else gates
    expected_out = reference.layer(wide[0], reference.Routing(idx=idx, gates=gates), *wide[2:])
    expected = torch.autograd.grad(expected_out, wide, grad.double())
    names = ("x", "router", "w_gate_up", "w_down")
    errors = {f"d {name}": row_error(a, b) for name, a, b in zip(names, found, expected, strict=True)}
    return within({"out": row_error(out, expected_out)} | errors, 2 * TOLERANCE[trial.dtype])
