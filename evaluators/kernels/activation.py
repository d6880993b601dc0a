"""The derivative of SwiGLU, row by row, with all else that the backward pass needs from the same rows.

Letters: R rows, F expert width.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from evaluators.kernels.launch import check_runnable, power_of_two

_WIDEST = 1024  # columns that a program holds at once


def swiglu_backward(before: Tensor, grad_hidden: Tensor, row_gates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """From the gradient of the unscaled hidden rows to what comes before and after them.

    With ``h = silu(g) u`` and ``y = gate (h @ w_down)``, `grad_hidden` is ``dy @ w_down.T`` without the gate, so that
    one product of matrices serves both ``d(gate) = <dy @ w_down.T, h>`` and ``dh = gate (dy @ w_down.T)``.

    Args:
        before: ``(R, 2 F)``, g then u.
        grad_hidden: ``(R, F)``.
        row_gates: ``(R,)`` float32.

    Returns:
        The gradient of `before` ``(R, 2 F)``; ``gate h`` ``(R, F)``, recomputed here rather than kept from the forward
        pass; the gradient of `row_gates` ``(R,)`` float32.
    """
    check_runnable(before)
    rows, expert_width = grad_hidden.shape
    grad_before, scaled_hidden = torch.empty_like(before), torch.empty_like(grad_hidden)
    grad_gates = torch.empty(rows, dtype=torch.float32, device=before.device)
    block_f = min(_WIDEST, power_of_two(expert_width))
    block_r = max(1, _WIDEST // block_f)
    swiglu_backward_kernel[(triton.cdiv(rows, block_r),)](
        before, grad_hidden, row_gates, grad_before, scaled_hidden, grad_gates, rows,
        expert_width=expert_width, BLOCK_R=block_r, BLOCK_F=block_f, num_warps=4,
    )  # fmt: skip
    return grad_before, scaled_hidden, grad_gates


@triton.jit
def swiglu_backward_kernel(
    before: tl.tensor,
    grad_hidden: tl.tensor,
    row_gates: tl.tensor,
    grad_before: tl.tensor,
    scaled_hidden: tl.tensor,
    grad_gates: tl.tensor,
    rows: tl.tensor,
    expert_width: tl.constexpr,
    BLOCK_R: tl.constexpr,
    BLOCK_F: tl.constexpr,
) -> None:
    """A block of whole rows."""
    row = tl.program_id(0) * BLOCK_R + tl.arange(0, BLOCK_R)
    is_row = row < rows
    gate_of_row = tl.load(row_gates + row, mask=is_row, other=0.0)[:, None]
    wide_row = row.to(tl.int64)[:, None]
    grad_gate = tl.zeros((BLOCK_R,), dtype=tl.float32)
    for first in tl.static_range(0, expert_width, BLOCK_F):
        column = first + tl.arange(0, BLOCK_F)[None, :]
        inside = is_row[:, None] & (column < expert_width)
        single = wide_row * expert_width + column
        double = wide_row * (2 * expert_width) + column
        gate = tl.load(before + double, mask=inside, other=0.0).to(tl.float32)
        up = tl.load(before + double + expert_width, mask=inside, other=0.0).to(tl.float32)
        grad = tl.load(grad_hidden + single, mask=inside, other=0.0).to(tl.float32)
        sigmoid = 1.0 / (1.0 + tl.exp(-gate))
        silu = gate * sigmoid
        grad_gate += tl.sum(grad * silu * up, axis=1)
        grad *= gate_of_row
        slope = sigmoid * (1.0 + gate * (1.0 - sigmoid))
        kind = grad_before.dtype.element_ty
        tl.store(grad_before + double, (grad * up * slope).to(kind), mask=inside)
        tl.store(grad_before + double + expert_width, (grad * silu).to(kind), mask=inside)
        tl.store(scaled_hidden + single, (gate_of_row * silu * up).to(kind), mask=inside)
    tl.store(grad_gates + row, grad_gate, mask=is_row)
