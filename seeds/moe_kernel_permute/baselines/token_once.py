"""One program for each token: it is read once and written to all of its K rows.

The inverse of `order` is made by a first launch, since the places of a token's rows are not given. Reads a K-th of
what the gather by rows may read from beyond the caches.

Source: the scatter form of the permutation, as against `index_select`.
"""

import triton
import triton.language as tl

BLOCK_D = 2048


@triton.jit
def invert(order, place, R, BLOCK: tl.constexpr):
    r = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    flat = tl.load(order + r, mask=r < R, other=0)
    tl.store(place + flat, r, mask=r < R)


@triton.jit
def spread(x, place, rows, D, K: tl.constexpr, BLOCK_D: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    d = tl.program_id(1) * BLOCK_D + tl.arange(0, BLOCK_D)
    value = tl.load(x + token * D + d, mask=d < D, other=0.0)
    for k in tl.static_range(K):
        row = tl.load(place + token * K + k).to(tl.int64)
        tl.store(rows + row * D + d, value, mask=d < D)


def scratch(shape):
    return {"place": ((shape.T, shape.K), "int32")}


def plan(shape):
    invert_args = {"order": "order", "place": "place", "R": shape.R}
    spread_args = {"x": "x", "place": "place", "rows": "rows", "D": shape.D}
    grid = (shape.T, triton.cdiv(shape.D, BLOCK_D))
    return [
        {"kernel": invert, "grid": (triton.cdiv(shape.R, 1024),), "args": invert_args, "constexprs": {"BLOCK": 1024}},
        {"kernel": spread, "grid": grid, "args": spread_args, "constexprs": {"K": shape.K, "BLOCK_D": BLOCK_D}},
    ]
