"""K4 and K5: each expert's rows times its own matrix in one launch for all experts, and the backward pass's products.

A row tile belongs to one expert (`schedule.tile_map`). The device knows how many tiles there are: programs past the
last one return at once, or loop up to it, so that the host never asks how many rows an expert has. `group_m` row tiles
run side by side over all column tiles: about 132 programs run at a time on an H200, and with 16 row tiles of 128 they
share one expert's rows and weights in the L2 cache.
Sums are in float32. Letters: D width, E experts, K experts per token, R = T K rows, F expert width.
"""

from __future__ import annotations

import torch
import triton
from torch import Tensor
from triton.tools.tensor_descriptor import TensorDescriptor

from evaluators.kernels.grouped_kernels import gate_up_kernel, rows_times_weights_kernel, weight_gradient_kernel
from evaluators.kernels.launch import DTYPES, check_runnable, device_name, num_processors
from evaluators.kernels.reference import Schedule
from evaluators.kernels.schedule import TileMap, tile_map
from evaluators.kernels.shapes import Stage
from evaluators.kernels.tiles import Backward, Step, Tiles, default_tiles


def gate_up(
    x: Tensor,
    order: Tensor | None,
    top_k: int,
    w_gate_up: Tensor,
    schedule: Schedule,
    tiles: Tiles | None = None,
    before: Tensor | None = None,
) -> Tensor:
    """SwiGLU of each row with its own expert's weights; equal to `reference.gate_up` of the permuted tokens.

    Args:
        x: ``(T, D)`` tokens where `order` is given, else ``(R, D)`` rows already sorted by expert.
        order: ``(R,)`` int32, the flat place of each row, as in the schedule; a row is read from its token directly,
            so that the permuted tokens need not exist.
        top_k: K; unused without `order`.
        w_gate_up: ``(E, D, 2 F)``, the gate's columns, then the other factor's.
        schedule: Of the rows.
        tiles: Of the product.
        before: ``(R, 2 F)``, filled with both products before the activation, for the backward pass.

    Returns:
        ``(R, F)`` in the dtype of `x`.
    """
    check_runnable(x)
    x, weights = x.contiguous(), w_gate_up.contiguous()
    width, expert_width = weights.shape[1], weights.shape[2] // 2
    rows = x.shape[0] if order is None else order.numel()
    chosen = _chosen(tiles, x, Stage.GATE_UP)
    where = tile_map(schedule.offsets, rows, chosen.block_m)
    hidden = torch.empty((rows, expert_width), dtype=x.dtype, device=x.device)
    tma, operands = _by_tma(chosen, (x, weights), rows, width, expert_width), (x, weights)
    if tma:
        operands = _descriptors(x, weights, chosen)
    gathered = order is not None
    gate_up_kernel[(_most_tiles(where, expert_width, chosen),)](
        x if gathered else operands[0], order if gathered else where.row, operands[1],
        where.expert, where.row, where.end, where.used, hidden, hidden if before is None else before, top_k,
        width=width, expert_width=expert_width, gathered=gathered, keep_before=before is not None,
        tma=tma, **_sizes(chosen),
    )  # fmt: skip
    return hidden


def down(
    hidden: Tensor, w_down: Tensor, schedule: Schedule, row_gates: Tensor | None, tiles: Tiles | None = None
) -> Tensor:
    """Back to the width, scaled by the gate of each row; equal to `reference.down`.

    Args:
        hidden: ``(R, F)``, sorted by expert.
        w_down: ``(E, F, D)``.
        schedule: Of the rows.
        row_gates: ``(R,)`` float32; None scales by 1.
        tiles: Of the product.

    Returns:
        ``(R, D)`` in the dtype of `hidden`.
    """
    return rows_times_weights(hidden, w_down, schedule, Stage.DOWN, row_gates=row_gates, tiles=tiles)


def rows_times_weights(
    rows: Tensor,
    weights: Tensor,
    schedule: Schedule,
    step: Step,
    *,
    transposed: bool = False,
    row_gates: Tensor | None = None,
    tiles: Tiles | None = None,
) -> Tensor:
    """``(R, N)``: each expert's rows ``(R, M)``, sorted by expert, times its matrix.

    Args:
        rows: ``(R, M)``.
        weights: ``(E, M, N)``, or ``(E, N, M)`` where `transposed`: the backward pass reads the weights where they are.
        schedule: Of the rows.
        step: Whose default tiles to take where `tiles` is None.
        transposed: See `weights`.
        row_gates: ``(R,)`` float32 factor of each row of the result.
        tiles: Of the product.
    """
    check_runnable(rows)
    rows, weights = rows.contiguous(), weights.contiguous()
    inner, outer = (weights.shape[2], weights.shape[1]) if transposed else (weights.shape[1], weights.shape[2])
    chosen = _chosen(tiles, rows, step)
    where = tile_map(schedule.offsets, rows.shape[0], chosen.block_m)
    out = torch.empty((rows.shape[0], outer), dtype=rows.dtype, device=rows.device)
    tma, operands = _by_tma(chosen, (rows, weights), rows.shape[0], inner, outer), (rows, weights)
    if tma:
        operands = _descriptors(rows, weights, chosen, transposed=transposed)
    most = _most_tiles(where, outer, chosen)
    rows_times_weights_kernel[(min(most, num_processors(rows.device)) if tma else most,)](
        *operands, where.expert, where.row, where.end, where.used, out if row_gates is None else row_gates, out,
        inner=inner, outer=outer, transposed=transposed, scaled=row_gates is not None, tma=tma, **_sizes(chosen),
    )  # fmt: skip
    return out


def weight_gradient(
    rows: Tensor, grads: Tensor, schedule: Schedule, step: Backward, tiles: Tiles | None = None
) -> Tensor:
    """``(E, M, N)``: each expert's rows ``(R, M)``, transposed, times their gradients ``(R, N)``; 0 without rows."""
    check_runnable(rows)
    rows, grads = rows.contiguous(), grads.contiguous()
    num_experts, height, width = schedule.offsets.numel() - 1, rows.shape[1], grads.shape[1]
    chosen = _chosen(tiles, rows, step)
    out = torch.empty((num_experts, height, width), dtype=rows.dtype, device=rows.device)
    grid = (num_experts * triton.cdiv(height, chosen.block_m) * triton.cdiv(width, chosen.block_n),)
    tma, tiled = _by_tma(chosen, (rows, grads), rows.shape[0], height, width), (rows, grads)
    if tma:
        tiled = (_tiles_of(rows, chosen.block_k, chosen.block_m), _tiles_of(grads, chosen.block_k, chosen.block_n))
    weight_gradient_kernel[grid](
        rows, grads, *tiled, schedule.offsets, out, height=height, width=width, tma=tma, **_sizes(chosen)
    )
    return out


def _chosen(tiles: Tiles | None, rows: Tensor, step: Step) -> Tiles:
    return tiles or default_tiles(device_name(rows.device), step, DTYPES[rows.dtype])


def _by_tma(tiles: Tiles, operands: tuple[Tensor, Tensor], num_rows: int, inner: int, outer: int) -> bool:
    """Whether tiles come through the copy engine: lines at multiples of 16 bytes, and no partial inner block.

    A partial block of weights would reach into the next expert's, where a number may be infinite.
    """
    per_line = 16 // operands[0].element_size()
    whole = inner % max(per_line, tiles.block_k) == 0 and outer % per_line == 0
    return tiles.tma and num_rows > 0 and whole and all(operand.data_ptr() % 16 == 0 for operand in operands)


def _tiles_of(matrices: Tensor, height: int, width: int) -> TensorDescriptor:
    lines = matrices.reshape(-1, matrices.shape[-1])
    return TensorDescriptor(lines, list(lines.shape), list(lines.stride()), [height, width])


def _descriptors(
    rows: Tensor, weights: Tensor, tiles: Tiles, *, transposed: bool = False
) -> tuple[TensorDescriptor, TensorDescriptor]:
    """The rows and the weights of a product, to be read tile by tile."""
    block = (tiles.block_n, tiles.block_k) if transposed else (tiles.block_k, tiles.block_n)
    return _tiles_of(rows, tiles.block_m, tiles.block_k), _tiles_of(weights, *block)


def _most_tiles(where: TileMap, columns: int, tiles: Tiles) -> int:
    return where.num_tiles * int(triton.cdiv(columns, tiles.block_n))


def _sizes(tiles: Tiles) -> dict[str, int]:
    return {
        "BLOCK_M": tiles.block_m,
        "BLOCK_N": tiles.block_n,
        "BLOCK_K": tiles.block_k,
        "GROUP_M": tiles.group_m,
        "num_warps": tiles.num_warps,
        "num_stages": tiles.num_stages,
    }
