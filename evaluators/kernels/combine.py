"""K6: the sum of each token's K rows, gathered in a fixed order, so that the same inputs give the same bits.

Letters: T tokens, D width, K experts per token, R = T K rows.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from evaluators.kernels.launch import check_runnable, device_name
from evaluators.kernels.shapes import Stage
from evaluators.kernels.tiles import Tiles, default_tiles


def combine(rows: Tensor, place: Tensor, tiles: Tiles | None = None) -> Tensor:
    """The sum of each token's K rows: ``(R, D)`` and ``(T, K)`` int32 give ``(T, D)``, added in float32.

    `tiles` are ``block_m`` tokens by ``block_n`` columns.
    """
    check_runnable(rows)
    rows, place = rows.contiguous(), place.contiguous()
    tokens, top_k = place.shape
    width = rows.shape[1]
    out = torch.empty((tokens, width), dtype=rows.dtype, device=rows.device)
    chosen = tiles or default_tiles(device_name(rows.device), Stage.COMBINE)
    grid = (triton.cdiv(tokens, chosen.block_m), triton.cdiv(width, chosen.block_n))
    combine_kernel[grid](
        rows, place, out, tokens, width=width, top_k=top_k,
        BLOCK_T=chosen.block_m, BLOCK_D=chosen.block_n, num_warps=chosen.num_warps,
    )  # fmt: skip
    return out


@triton.jit
def combine_kernel(
    rows: tl.tensor,
    place: tl.tensor,
    out: tl.tensor,
    tokens: tl.tensor,
    width: tl.constexpr,
    top_k: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_D: tl.constexpr,
) -> None:
    """Add the K rows of a block of tokens; the loads do not wait for one another."""
    token = tl.program_id(0) * BLOCK_T + tl.arange(0, BLOCK_T)
    column = tl.program_id(1) * BLOCK_D + tl.arange(0, BLOCK_D)
    inside = (token < tokens)[:, None] & (column < width)[None, :]
    total = tl.zeros((BLOCK_T, BLOCK_D), dtype=tl.float32)
    for k in tl.static_range(top_k):
        row = tl.load(place + token * top_k + k, mask=token < tokens, other=0).to(tl.int64)
        total += tl.load(rows + row[:, None] * width + column[None, :], mask=inside, other=0.0).to(tl.float32)
    tl.store(out + token.to(tl.int64)[:, None] * width + column[None, :], total.to(out.dtype.element_ty), mask=inside)
