"""The inner loops of `grouped_kernels` with operands loaded by pointers: any size, any chip.

Rows and columns past an end are read at the last (modulo: the first) one inside and never written, so that only the
inner dimension needs masks, and those only where it is no multiple of its block.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def gate_up_by_pointers(
    x: tl.tensor,
    weights: tl.tensor,
    expert: tl.tensor,
    source: tl.tensor,
    column: tl.tensor,
    width: tl.constexpr,
    expert_width: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
) -> tuple[tl.tensor, tl.tensor]:
    """Both products of the rows of `x` that `source` names with one expert's columns."""
    inner = tl.arange(0, BLOCK_K)
    a_at = x + source[:, None] * width + inner[None, :]
    own = weights + expert.to(tl.int64) * (width * 2 * expert_width)
    gate_at = own + inner[:, None] * (2 * expert_width) + (column % expert_width)[None, :]
    up_at = gate_at + expert_width
    gate = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    up = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for first in range(0, width, BLOCK_K):
        if width % BLOCK_K == 0:
            a, b_gate, b_up = tl.load(a_at), tl.load(gate_at), tl.load(up_at)
        else:
            inside = inner < width - first
            a = tl.load(a_at, mask=inside[None, :], other=0.0)
            b_gate = tl.load(gate_at, mask=inside[:, None], other=0.0)
            b_up = tl.load(up_at, mask=inside[:, None], other=0.0)
        gate = tl.dot(a, b_gate, gate, input_precision="ieee")
        up = tl.dot(a, b_up, up, input_precision="ieee")
        a_at += BLOCK_K
        gate_at += BLOCK_K * 2 * expert_width
        up_at += BLOCK_K * 2 * expert_width
    return gate, up


@triton.jit
def product_by_pointers(
    rows: tl.tensor,
    weights: tl.tensor,
    expert: tl.tensor,
    row: tl.tensor,
    end: tl.tensor,
    column: tl.tensor,
    inner: tl.constexpr,
    outer: tl.constexpr,
    transposed: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
) -> tl.tensor:
    """One tile of an expert's rows times its matrix."""
    step = tl.arange(0, BLOCK_K)
    a_at = rows + tl.minimum(row, end - 1).to(tl.int64)[:, None] * inner + step[None, :]
    own = weights + expert.to(tl.int64) * (inner * outer)
    if transposed:
        b_at = own + (column % outer)[None, :] * inner + step[:, None]
    else:
        b_at = own + step[:, None] * outer + (column % outer)[None, :]
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for first in range(0, inner, BLOCK_K):
        if inner % BLOCK_K == 0:
            a, b = tl.load(a_at), tl.load(b_at)
        else:
            inside = step < inner - first
            a = tl.load(a_at, mask=inside[None, :], other=0.0)
            b = tl.load(b_at, mask=inside[:, None], other=0.0)
        total = tl.dot(a, b, total, input_precision="ieee")
        a_at += BLOCK_K
        b_at += BLOCK_K if transposed else BLOCK_K * outer
    return total


@triton.jit
def gradient_by_pointers(
    rows: tl.tensor,
    grads: tl.tensor,
    begin: tl.tensor,
    end: tl.tensor,
    m: tl.tensor,
    n: tl.tensor,
    height: tl.constexpr,
    width: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
) -> tl.tensor:
    """The rows from `begin` to `end`, transposed, times their gradients."""
    step = tl.arange(0, BLOCK_K)
    row = (begin + step).to(tl.int64)[:, None]
    a_at = rows + row * height + (m % height)[None, :]
    b_at = grads + row * width + (n % width)[None, :]
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for first in range(begin, end, BLOCK_K):
        inside = (step < end - first)[:, None]
        a = tl.load(a_at, mask=inside, other=0.0)
        b = tl.load(b_at, mask=inside, other=0.0)
        total = tl.dot(tl.trans(a), b, total, input_precision="ieee")
        a_at += BLOCK_K * height
        b_at += BLOCK_K * width
    return total
