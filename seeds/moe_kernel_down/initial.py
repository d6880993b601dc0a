"""Tiles of 64 x 64, each program looking up its expert: something to improve."""

import triton
import triton.language as tl

# EVOLVE-BLOCK-START
# Triton wants powers of two.
BLOCK_M = 1 << 6
BLOCK_N = 1 << 6
BLOCK_K = 1 << 5


@triton.jit
def tile_of(offsets, tile, E, EXPERTS: tl.constexpr, BLOCK_M: tl.constexpr):
    """The expert of a tile of rows, its first row and the end of the expert's; tiles beyond all rows have expert E."""
    e = tl.arange(0, EXPERTS)
    begin = tl.load(offsets + e, mask=e < E, other=0)
    end = tl.load(offsets + e + 1, mask=e < E, other=0)
    tiles = tl.cdiv(end - begin, BLOCK_M)
    before = tl.cumsum(tiles, axis=0) - tiles
    mine = (before <= tile) & (tile < before + tiles)
    expert = tl.sum(tl.where(mine, e, 0), axis=0)
    row = tl.sum(tl.where(mine, begin + (tile - before) * BLOCK_M, 0), axis=0)
    last = tl.sum(tl.where(mine, end, 0), axis=0)
    return tl.where(last > 0, expert, E), row, last


@triton.jit
def down(
    hidden,
    w_down,
    offsets,
    row_gates,
    rows,
    E,
    D: tl.constexpr,
    F: tl.constexpr,
    EXPERTS: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    tile = tl.program_id(0)
    column = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    expert, first_row, end = tile_of(offsets, tile, E, EXPERTS, BLOCK_M)
    if expert == E:
        return
    row = first_row + tl.arange(0, BLOCK_M)
    inner = tl.arange(0, BLOCK_K)
    a_at = hidden + tl.minimum(row, end - 1).to(tl.int64)[:, None] * F + inner[None, :]
    b_at = w_down + expert.to(tl.int64) * (D * F) + inner[:, None] * D + (column % D)[None, :]
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for first in range(0, F, BLOCK_K):
        left = F - first
        a = tl.load(a_at, mask=(inner < left)[None, :], other=0.0)
        b = tl.load(b_at, mask=(inner < left)[:, None], other=0.0)
        total = tl.dot(a, b, total, input_precision="ieee")
        a_at += BLOCK_K
        b_at += BLOCK_K * D
    total *= tl.load(row_gates + row, mask=row < end, other=0.0)[:, None]
    inside = (row < end)[:, None] & (column < D)[None, :]
    tl.store(rows + row.to(tl.int64)[:, None] * D + column[None, :], total.to(rows.dtype.element_ty), mask=inside)


def plan(shape):
    tiles = triton.cdiv(shape.R, BLOCK_M) + shape.E
    grid = (tiles, triton.cdiv(shape.D, BLOCK_N))
    names = ("hidden", "w_down", "offsets", "row_gates", "rows")
    args = {**{name: name for name in names}, "E": shape.E}
    blocks = {"BLOCK_M": BLOCK_M, "BLOCK_N": BLOCK_N, "BLOCK_K": BLOCK_K}
    sizes = {"D": shape.D, "F": shape.F, "EXPERTS": triton.next_power_of_2(shape.E)}
    return [
        {
            "kernel": down,
            "grid": grid,
            "args": args,
            "constexprs": {**sizes, **blocks},
            "num_warps": 1 << 2,
            "num_stages": 3,
        }
    ]


# EVOLVE-BLOCK-END
