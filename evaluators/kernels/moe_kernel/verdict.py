"""Whether outputs are what the stage should give: in higher precision than the kernel's, with a bound per dtype.

The bounds leave room for rounding the result once and for sums in float32, not for sums in the result's own dtype:
adding eight bfloat16 numbers in bfloat16 errs about twice as much as is allowed here (`test_verdict.py`).

Letters: T tokens, E experts, K experts per token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluators.kernels.moe_kernel.stages import MOST_ERROR
from evaluators.kernels.shapes import LayerShape, Stage

MOST_ELEMENT_ERROR = 8.0  # times `MOST_ERROR`, of the larger of the element and the root mean square of all
MOST_SCORE_ERROR = 1e-4  # of the router: scores nearer than this, relatively, may be taken for equal


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far outputs are from the expected ones."""

    error: float  # relative, in norm; 0 for an exact copy
    fault: str  # one sentence for the program's author; empty if the outputs are right


def judge(
    stage: Stage,
    shape: LayerShape,
    given: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    found: Mapping[str, Tensor],
) -> Verdict:
    """The verdict on what a program wrote; `given` and `expected` are of `inputs`."""
    for name, value in found.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            missing = int((~torch.isfinite(value)).sum())
            return Verdict(
                float("inf"), f"{name}: {missing} of {value.numel()} elements were not written, or not finite"
            )
    if stage is Stage.ROUTER:
        return _judge_router(shape, given, expected["scores"], found["idx"], found["gates"])
    ((name, right),) = expected.items()
    if stage is Stage.PERMUTE:
        wrong = int((found[name] != right).any(dim=1).sum())
        return Verdict(float(wrong), f"{name}: {wrong} of {right.shape[0]} rows are not the token's" if wrong else "")
    return _judge_close(name, right, found[name].double(), MOST_ERROR[shape.dtype])


def _judge_close(name: str, right: Tensor, found: Tensor, most: float) -> Verdict:
    difference = found - right
    error = float(difference.norm() / right.norm())
    if not error <= most:
        return Verdict(error, f"{name}: expected a relative error of at most {most:.2g}, found {error:.2g}")
    scale = torch.maximum(right.abs(), right.square().mean().sqrt())
    worst = float((difference.abs() / scale).max())
    bound = MOST_ELEMENT_ERROR * most
    if not worst <= bound:
        return Verdict(error, f"{name}: an element is {worst:.2g} off, relatively; at most {bound:.2g} is allowed")
    return Verdict(error, "")


def _judge_router(
    shape: LayerShape, given: Mapping[str, Tensor], scores: Tensor, idx: Tensor, gates: Tensor
) -> Verdict:
    """Experts are right if they are different, in order, and none that was left out is better, but for rounding."""
    chosen = idx.long()
    if bool(((chosen < 0) | (chosen >= shape.experts)).any()):
        return Verdict(float("inf"), f"idx: expected experts from 0 to {shape.experts - 1}")
    if bool((chosen.sort(-1).values.diff() == 0).any()):
        return Verdict(float("inf"), "idx: the experts of a token must differ")
    biased = scores + given["bias"].double()
    taken = biased.gather(1, chosen)
    best = biased.topk(shape.top_k, dim=-1).values
    room = MOST_SCORE_ERROR * best.abs().clamp_min(1e-3)
    wrong = int(((taken - best).abs() > room).any(dim=-1).sum())
    if wrong:
        return Verdict(
            float("inf"), f"idx: {wrong} of {shape.tokens} tokens do not have their best experts, best first"
        )
    right = scores.gather(1, chosen)
    return _judge_close("gates", right / right.sum(-1, keepdim=True), gates.double(), MOST_SCORE_ERROR)
