"""The device code of `grouped`: three products whose row ranges belong to experts.

Rows and columns past an end are read at the last (modulo: the first) one inside and never written, so that only the
inner dimension needs masks, and those only where it is no multiple of its block.
"""

from __future__ import annotations

import triton
import triton.language as tl

from evaluators.kernels.grouped_parts import gathered_rows, tile_of, write_activated, write_gradient, write_scaled


@triton.jit
def gate_up_kernel(
    x: tl.tensor,
    order: tl.tensor,
    weights: tl.tensor,
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
    """Both products of one tile side by side, then SwiGLU in registers.

    Two accumulators rather than one over interleaved columns: the weights keep the layout that everyone stores them
    in, the rows are read once for both, and the activation needs no exchange between threads.
    """
    tile, tile_n = tile_of(tl.program_id(0), num_tiles, tl.cdiv(expert_width, BLOCK_N), GROUP_M)
    expert = tl.load(tile_expert + tile)
    if expert < 0:
        return
    end = tl.load(offsets + expert + 1)
    row = tl.load(tile_row + tile) + tl.arange(0, BLOCK_M)
    source = gathered_rows(order, row, end, top_k, gathered)
    column = tile_n * BLOCK_N + tl.arange(0, BLOCK_N)
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
    write_activated(gate, up, row, column, end, hidden, before, expert_width, keep_before)


@triton.jit
def rows_times_weights_kernel(
    rows: tl.tensor,
    weights: tl.tensor,
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
    """One tile of an expert's rows times its matrix, each row scaled where `scaled`."""
    tile, tile_n = tile_of(tl.program_id(0), num_tiles, tl.cdiv(outer, BLOCK_N), GROUP_M)
    expert = tl.load(tile_expert + tile)
    if expert < 0:
        return
    end = tl.load(offsets + expert + 1)
    row = tl.load(tile_row + tile) + tl.arange(0, BLOCK_M)
    column = tile_n * BLOCK_N + tl.arange(0, BLOCK_N)
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
    write_scaled(total, row, column, end, row_gates, out, outer, scaled)


@triton.jit
def weight_gradient_kernel(
    rows: tl.tensor,
    grads: tl.tensor,
    offsets: tl.tensor,
    out: tl.tensor,
    height: tl.constexpr,
    width: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
) -> None:
    """One tile of one expert's matrix: the sum over the expert's rows, however many they are."""
    tiles_m = tl.cdiv(height, BLOCK_M)
    tiles_n = tl.cdiv(width, BLOCK_N)
    expert = tl.program_id(0) // (tiles_m * tiles_n)
    tile_m, tile_n = tile_of(tl.program_id(0) % (tiles_m * tiles_n), tiles_m, tiles_n, GROUP_M)
    begin, end = tl.load(offsets + expert), tl.load(offsets + expert + 1)
    m = tile_m * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tile_n * BLOCK_N + tl.arange(0, BLOCK_N)
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
    write_gradient(total, expert, m, n, out, height, width)
