"""The device code of `grouped`: three products whose row ranges belong to experts.

Where `tma`, operands come as descriptors, and a program of `rows_times_weights_kernel` takes one tile after another,
as far apart as there are programs, in one flattened loop: the operands of its next tile are on their way while it
writes. Not so in `gate_up_kernel`: with two accumulators in a flattened loop ptxas waits for every wgmma (C7515).
"""

from __future__ import annotations

import triton
import triton.language as tl

from evaluators.kernels.grouped_parts import gathered_rows, tile_of, write_activated, write_gradient, write_scaled
from evaluators.kernels.grouped_pointers import gate_up_by_pointers, gradient_by_pointers, product_by_pointers
from evaluators.kernels.grouped_tma import gate_up_by_tma, gradient_by_tma, product_by_tma


@triton.jit(do_not_specialize=["top_k"])
def gate_up_kernel(
    rows: tl.tensor,
    order: tl.tensor,
    weights: tl.tensor,
    tile_expert: tl.tensor,
    tile_row: tl.tensor,
    tile_end: tl.tensor,
    num_tiles: tl.tensor,
    hidden: tl.tensor,
    before: tl.tensor,
    top_k: tl.tensor,
    width: tl.constexpr,
    expert_width: tl.constexpr,
    gathered: tl.constexpr,
    keep_before: tl.constexpr,
    tma: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
) -> None:
    """Both products of a tile side by side, then SwiGLU in registers; of tokens where `gathered`, else of sorted rows.

    Two accumulators rather than one over interleaved columns: the weights keep the layout that everyone stores them
    in, the rows are read once for both, and the activation needs no exchange between threads.
    """
    tiles_m, tiles_n = tl.load(num_tiles), tl.cdiv(expert_width, BLOCK_N)
    if tl.program_id(0) < tiles_m * tiles_n:
        tile, tile_n = tile_of(tl.program_id(0), tiles_m, tiles_n, GROUP_M)
        expert, first_row, end = tl.load(tile_expert + tile), tl.load(tile_row + tile), tl.load(tile_end + tile)
        first_column = tile_n * BLOCK_N
        row, column = first_row + tl.arange(0, BLOCK_M), first_column + tl.arange(0, BLOCK_N)
        source = gathered_rows(order, row, end, top_k, gathered)
        if tma:
            gate, up = gate_up_by_tma(
                rows, weights, expert, first_row, source, first_column, width, expert_width, gathered, BLOCK_M,
                BLOCK_N, BLOCK_K,
            )  # fmt: skip
        else:
            gate, up = gate_up_by_pointers(
                rows, weights, expert, source, column, width, expert_width, BLOCK_M, BLOCK_N, BLOCK_K
            )
        write_activated(gate, up, row, column, end, hidden, before, expert_width, keep_before)


@triton.jit
def rows_times_weights_kernel(
    rows: tl.tensor,
    weights: tl.tensor,
    tile_expert: tl.tensor,
    tile_row: tl.tensor,
    tile_end: tl.tensor,
    num_tiles: tl.tensor,
    row_gates: tl.tensor,
    out: tl.tensor,
    inner: tl.constexpr,
    outer: tl.constexpr,
    transposed: tl.constexpr,
    scaled: tl.constexpr,
    tma: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
) -> None:
    """Each expert's rows times its matrix, each row of the result scaled where `scaled`."""
    tiles_m = tl.load(num_tiles)
    total = tiles_m * tl.cdiv(outer, BLOCK_N)
    if tma:
        for program in tl.range(tl.program_id(0), total, tl.num_programs(0), flatten=True):
            _product_tile(
                program, tiles_m, rows, weights, tile_expert, tile_row, tile_end, row_gates, out, inner, outer,
                transposed, scaled, tma, BLOCK_M, BLOCK_N, BLOCK_K, GROUP_M,
            )  # fmt: skip
    elif tl.program_id(0) < total:
        _product_tile(
            tl.program_id(0), tiles_m, rows, weights, tile_expert, tile_row, tile_end, row_gates, out, inner, outer,
            transposed, scaled, tma, BLOCK_M, BLOCK_N, BLOCK_K, GROUP_M,
        )  # fmt: skip


@triton.jit
def _product_tile(
    program: tl.tensor,
    tiles_m: tl.tensor,
    rows: tl.tensor,
    weights: tl.tensor,
    tile_expert: tl.tensor,
    tile_row: tl.tensor,
    tile_end: tl.tensor,
    row_gates: tl.tensor,
    out: tl.tensor,
    inner: tl.constexpr,
    outer: tl.constexpr,
    transposed: tl.constexpr,
    scaled: tl.constexpr,
    tma: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
) -> None:
    tile, tile_n = tile_of(program, tiles_m, tl.cdiv(outer, BLOCK_N), GROUP_M)
    expert, first_row, end = tl.load(tile_expert + tile), tl.load(tile_row + tile), tl.load(tile_end + tile)
    first_column = tile_n * BLOCK_N
    row, column = first_row + tl.arange(0, BLOCK_M), first_column + tl.arange(0, BLOCK_N)
    if tma:
        total = product_by_tma(
            rows, weights, expert, first_row, first_column, inner, outer, transposed, BLOCK_M, BLOCK_N, BLOCK_K
        )
    else:
        total = product_by_pointers(
            rows, weights, expert, row, end, column, inner, outer, transposed, BLOCK_M, BLOCK_N, BLOCK_K
        )
    write_scaled(total, row, column, end, row_gates, out, outer, scaled)


@triton.jit
def weight_gradient_kernel(
    rows: tl.tensor,
    grads: tl.tensor,
    rows_tiles: tl.tensor_descriptor,
    grads_tiles: tl.tensor_descriptor,
    offsets: tl.tensor,
    out: tl.tensor,
    height: tl.constexpr,
    width: tl.constexpr,
    tma: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
) -> None:
    """One tile of one expert's matrix: the sum over the expert's rows, however many they are.

    `rows_tiles` and `grads_tiles` are descriptors of `rows` and `grads` where `tma`, else those themselves.
    """
    tiles_m = tl.cdiv(height, BLOCK_M)
    tiles_n = tl.cdiv(width, BLOCK_N)
    expert = tl.program_id(0) // (tiles_m * tiles_n)
    tile_m, tile_n = tile_of(tl.program_id(0) % (tiles_m * tiles_n), tiles_m, tiles_n, GROUP_M)
    begin, end = tl.load(offsets + expert), tl.load(offsets + expert + 1)
    m = tile_m * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tile_n * BLOCK_N + tl.arange(0, BLOCK_N)
    if tma:
        first_m, first_n = tile_m * BLOCK_M, tile_n * BLOCK_N
        total = gradient_by_tma(
            rows, grads, rows_tiles, grads_tiles, begin, end, first_m, first_n, height, width, BLOCK_M, BLOCK_N, BLOCK_K
        )
    else:
        total = gradient_by_pointers(rows, grads, begin, end, m, n, height, width, BLOCK_M, BLOCK_N, BLOCK_K)
    write_gradient(total, expert, m, n, out, height, width)
