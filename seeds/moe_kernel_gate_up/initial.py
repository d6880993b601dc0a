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
def gate_up(
    x,
    order,
    w_gate_up,
    offsets,
    hidden,
    E,
    D: tl.constexpr,
    F: tl.constexpr,
    K: tl.constexpr,
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
    token = tl.load(order + tl.minimum(row, end - 1)) // K
    a_at = x + token.to(tl.int64)[:, None] * D + inner[None, :]
    own = w_gate_up + expert.to(tl.int64) * (2 * D * F)
    gate_at = own + inner[:, None] * (2 * F) + (column % F)[None, :]
    gate = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    up = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for first in range(0, D, BLOCK_K):
        left = D - first
        a = tl.load(a_at, mask=(inner < left)[None, :], other=0.0)
        b_gate = tl.load(gate_at, mask=(inner < left)[:, None], other=0.0)
        b_up = tl.load(gate_at + F, mask=(inner < left)[:, None], other=0.0)
        gate = tl.dot(a, b_gate, gate, input_precision="ieee")
        up = tl.dot(a, b_up, up, input_precision="ieee")
        a_at += BLOCK_K
        gate_at += BLOCK_K * 2 * F
    value = gate / (1.0 + tl.exp(-gate)) * up
    inside = (row < end)[:, None] & (column < F)[None, :]
    tl.store(hidden + row.to(tl.int64)[:, None] * F + column[None, :], value.to(hidden.dtype.element_ty), mask=inside)


def plan(shape):
    tiles = triton.cdiv(shape.R, BLOCK_M) + shape.E
    grid = (tiles, triton.cdiv(shape.F, BLOCK_N))
    names = ("x", "order", "w_gate_up", "offsets", "hidden")
    args = {**{name: name for name in names}, "E": shape.E}
    blocks = {"BLOCK_M": BLOCK_M, "BLOCK_N": BLOCK_N, "BLOCK_K": BLOCK_K}
    sizes = {"D": shape.D, "F": shape.F, "K": shape.K, "EXPERTS": triton.next_power_of_2(shape.E)}
    return [
        {
            "kernel": gate_up,
            "grid": grid,
            "args": args,
            "constexprs": {**sizes, **blocks},
            "num_warps": 1 << 2,
            "num_stages": 3,
        }
    ]


# EVOLVE-BLOCK-END
