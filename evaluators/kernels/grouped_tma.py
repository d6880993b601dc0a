"""The inner loops of `grouped_kernels` with operands fetched by Hopper's copy engine (TMA): one thread asks for a tile.

Tensors that are read as tiles arrive as descriptors, their matrices end to end. What a tile reads past an expert's rows
or columns belongs to the next one and is never written; inner blocks must be whole.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def gate_up_by_tma(
    rows: tl.tensor,
    weights: tl.tensor_descriptor,
    expert: tl.tensor,
    row: tl.tensor,
    source: tl.tensor,
    column: tl.tensor,
    width: tl.constexpr,
    expert_width: tl.constexpr,
    gathered: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
) -> tuple[tl.tensor, tl.tensor]:
    """Both products of one tile from first row and column on; the weights are ``(E D, 2 F)``.

    `rows` are a descriptor, or where `gathered` a pointer, and each row is read where `source` says: this chip's
    engine fetches no scattered rows.
    """
    inner = tl.arange(0, BLOCK_K)
    gate = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    up = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for first in range(0, width, BLOCK_K):
        if gathered:  # noqa: SIM108 - a branch of the compiler's
            a = tl.load(rows + source[:, None] * width + (first + inner)[None, :])
        else:
            a = rows.load([row, first])
        b_gate = weights.load([expert * width + first, column])
        b_up = weights.load([expert * width + first, expert_width + column])
        gate = tl.dot(a, b_gate, gate, input_precision="ieee")
        up = tl.dot(a, b_up, up, input_precision="ieee")
    return gate, up


@triton.jit
def product_by_tma(
    rows: tl.tensor_descriptor,
    weights: tl.tensor_descriptor,
    expert: tl.tensor,
    row: tl.tensor,
    column: tl.tensor,
    inner: tl.constexpr,
    outer: tl.constexpr,
    transposed: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
) -> tl.tensor:
    """One tile from first row and column on; the weights are ``(E M, N)``, or ``(E N, M)`` where `transposed`."""
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for first in range(0, inner, BLOCK_K):
        a = rows.load([row, first])
        if transposed:
            b = tl.trans(weights.load([expert * outer + column, first]))
        else:
            b = weights.load([expert * inner + first, column])
        total = tl.dot(a, b, total, input_precision="ieee")
    return total


@triton.jit
def gradient_by_tma(
    rows: tl.tensor,
    grads: tl.tensor,
    rows_tiles: tl.tensor_descriptor,
    grads_tiles: tl.tensor_descriptor,
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
    """The rows from `begin` to `end`, transposed, times their gradients, from first row and column of the tile on.

    Whole blocks come as tiles, the rest by pointers: the rows of the next expert in it must be masked.
    """
    whole = begin + (end - begin) // BLOCK_K * BLOCK_K
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for first in range(begin, whole, BLOCK_K):
        a = rows_tiles.load([first, m])
        b = grads_tiles.load([first, n])
        total = tl.dot(tl.trans(a), b, total, input_precision="ieee")
    if whole < end:
        row = whole + tl.arange(0, BLOCK_K)
        inside = (row < end)[:, None]
        a_at = rows + row.to(tl.int64)[:, None] * height + ((m + tl.arange(0, BLOCK_M)) % height)[None, :]
        b_at = grads + row.to(tl.int64)[:, None] * width + ((n + tl.arange(0, BLOCK_N)) % width)[None, :]
        a = tl.load(a_at, mask=inside, other=0.0)
        b = tl.load(b_at, mask=inside, other=0.0)
        total = tl.dot(tl.trans(a), b, total, input_precision="ieee")
    return total
