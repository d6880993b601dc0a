"""The device code of `grouped` with operands fetched by Hopper's copy engine (TMA): one thread asks for a whole tile.

Tensors that are read as tiles arrive as descriptors of their last two dimensions laid end to end; what a tile reads
past an expert's end belongs to the next one, and is either multiplied by nothing that is kept or masked.
"""

from __future__ import annotations

import triton
import triton.language as tl

from evaluators.kernels.grouped_parts import gathered_rows, tile_of, write_activated, write_gradient, write_scaled


@triton.jit
def gate_up_tma_kernel(
    x: tl.tensor,
    order: tl.tensor,
    weights: tl.tensor_descriptor,
    offsets: tl.tensor,
    tile_expert: tl.tensor,
    tile_row: tl.tensor,
    hidden: tl.tensor,
    before: tl.tensor,
    num_tiles: tl.tensor,
    top_k: tl.tensor,
    width: tl.constexpr,
    expert_width: tl.constexpr,
    gathered: tl.constexpr,
    keep_before: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
) -> None:
    """As `gate_up_kernel`; the weights, ``(E D, 2 F)``, come as tiles, the gathered rows cannot on this chip."""
    tile, tile_n = tile_of(tl.program_id(0), num_tiles, tl.cdiv(expert_width, BLOCK_N), GROUP_M)
    expert = tl.load(tile_expert + tile)
    if expert < 0:
        return
    end = tl.load(offsets + expert + 1)
    row = tl.load(tile_row + tile) + tl.arange(0, BLOCK_M)
    source = gathered_rows(order, row, end, top_k, gathered)
    a_at = x + source[:, None] * width + tl.arange(0, BLOCK_K)[None, :]
    column = tile_n * BLOCK_N
    gate = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    up = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for first in range(0, width, BLOCK_K):
        a = tl.load(a_at)
        b_gate = weights.load([expert * width + first, column])
        b_up = weights.load([expert * width + first, expert_width + column])
        gate = tl.dot(a, b_gate, gate, input_precision="ieee")
        up = tl.dot(a, b_up, up, input_precision="ieee")
        a_at += BLOCK_K
    columns = column + tl.arange(0, BLOCK_N)
    write_activated(gate, up, row, columns, end, hidden, before, expert_width, keep_before)


@triton.jit
def rows_times_weights_tma_kernel(
    rows: tl.tensor_descriptor,
    weights: tl.tensor_descriptor,
    offsets: tl.tensor,
    tile_expert: tl.tensor,
    tile_row: tl.tensor,
    row_gates: tl.tensor,
    out: tl.tensor,
    num_tiles: tl.tensor,
    inner: tl.constexpr,
    outer: tl.constexpr,
    transposed: tl.constexpr,
    scaled: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
) -> None:
    """As `rows_times_weights_kernel`; the weights are ``(E M, N)``, or ``(E N, M)`` where `transposed`."""
    tile, tile_n = tile_of(tl.program_id(0), num_tiles, tl.cdiv(outer, BLOCK_N), GROUP_M)
    expert = tl.load(tile_expert + tile)
    if expert < 0:
        return
    end = tl.load(offsets + expert + 1)
    row = tl.load(tile_row + tile)
    column = tile_n * BLOCK_N
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for first in range(0, inner, BLOCK_K):
        a = rows.load([row, first])
        if transposed:
            b = tl.trans(weights.load([expert * outer + column, first]))
        else:
            b = weights.load([expert * inner + first, column])
        total = tl.dot(a, b, total, input_precision="ieee")
    write_scaled(total, row + tl.arange(0, BLOCK_M), column + tl.arange(0, BLOCK_N), end, row_gates, out, outer, scaled)


@triton.jit
def weight_gradient_tma_kernel(
    rows: tl.tensor_descriptor,
    grads: tl.tensor_descriptor,
    rows_at: tl.tensor,
    grads_at: tl.tensor,
    offsets: tl.tensor,
    out: tl.tensor,
    height: tl.constexpr,
    width: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
) -> None:
    """As `weight_gradient_kernel`: whole blocks of an expert's rows as tiles, the rest by masked loads."""
    tiles_m = tl.cdiv(height, BLOCK_M)
    tiles_n = tl.cdiv(width, BLOCK_N)
    expert = tl.program_id(0) // (tiles_m * tiles_n)
    tile_m, tile_n = tile_of(tl.program_id(0) % (tiles_m * tiles_n), tiles_m, tiles_n, GROUP_M)
    begin, end = tl.load(offsets + expert), tl.load(offsets + expert + 1)
    whole = begin + (end - begin) // BLOCK_K * BLOCK_K
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for first in range(begin, whole, BLOCK_K):
        a = rows.load([first, tile_m * BLOCK_M])
        b = grads.load([first, tile_n * BLOCK_N])
        total = tl.dot(tl.trans(a), b, total, input_precision="ieee")
    m = tile_m * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tile_n * BLOCK_N + tl.arange(0, BLOCK_N)
    if whole < end:
        row = whole + tl.arange(0, BLOCK_K)
        inside = (row < end)[:, None]
        wide_row = row.to(tl.int64)[:, None]
        a = tl.load(rows_at + wide_row * height + (m % height)[None, :], mask=inside, other=0.0)
        b = tl.load(grads_at + wide_row * width + (n % width)[None, :], mask=inside, other=0.0)
        total = tl.dot(tl.trans(a), b, total, input_precision="ieee")
    write_gradient(total, expert, m, n, out, height, width)
