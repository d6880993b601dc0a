"""K3: the tokens as rows, expert by expert.

Each token is read once and written to its K rows: reading by row instead would fetch it K times, and the tokens of a
large batch do not stay in the cache between two experts.
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


def permute(x: Tensor, order: Tensor, top_k: int, place: Tensor | None = None, tiles: Tiles | None = None) -> Tensor:
    """The tokens ``x`` ``(T, D)`` as rows ``(R, D)``, expert by expert; equal to `reference.permute`, bit for bit.

    Args:
        x: ``(T, D)``.
        order: ``(R,)`` int32, the flat place of each row.
        top_k: K.
        place: ``(T, K)`` int32, the inverse of `order`; computed from it where it is not at hand.
        tiles: ``block_m`` tokens by ``block_n`` columns.
    """
    check_runnable(x)
    if place is None:
        place = torch.empty_like(order)
        place[order.to(torch.int64)] = torch.arange(order.numel(), dtype=order.dtype, device=order.device)
    x, place = x.contiguous(), place.contiguous()
    tokens, width = x.shape
    rows = torch.empty((tokens * top_k, width), dtype=x.dtype, device=x.device)
    chosen = tiles or default_tiles(device_name(x.device), Stage.PERMUTE)
    grid = (triton.cdiv(tokens, chosen.block_m), triton.cdiv(width, chosen.block_n))
    permute_kernel[grid](
        x, place, rows, tokens, width=width, top_k=top_k,
        BLOCK_T=chosen.block_m, BLOCK_D=chosen.block_n, num_warps=chosen.num_warps,
    )  # fmt: skip
    return rows


@triton.jit
def permute_kernel(
    x: tl.tensor,
    place: tl.tensor,
    rows: tl.tensor,
    tokens: tl.tensor,
    width: tl.constexpr,
    top_k: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_D: tl.constexpr,
) -> None:
    """Copy a block of tokens to the K rows of each."""
    token = tl.program_id(0) * BLOCK_T + tl.arange(0, BLOCK_T)
    column = tl.program_id(1) * BLOCK_D + tl.arange(0, BLOCK_D)
    inside = (token < tokens)[:, None] & (column < width)[None, :]
    block = tl.load(x + token.to(tl.int64)[:, None] * width + column[None, :], mask=inside, other=0.0)
    for k in tl.static_range(top_k):
        row = tl.load(place + token * top_k + k, mask=token < tokens, other=0).to(tl.int64)
        tl.store(rows + row[:, None] * width + column[None, :], block, mask=inside)
