"""Every row is added to its token's sum with atomic operations, in float32; then the sums are rounded.

Needs no order of the rows, but moves four times the bytes, and sums in an order that changes from run to run.

Source: the scatter-add formulation of combining, e.g. `index_add_` in PyTorch implementations of mixtures.
"""

import triton
import triton.language as tl

BLOCK_D = 512


@triton.jit
def clear(sums, size, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    tl.store(sums + at, tl.zeros((BLOCK,), dtype=tl.float32), mask=at < size)


@triton.jit
def scatter(rows, place, sums, D, K: tl.constexpr, BLOCK_D: tl.constexpr):
    flat = tl.program_id(0)
    d = tl.program_id(1) * BLOCK_D + tl.arange(0, BLOCK_D)
    row = tl.load(place + flat).to(tl.int64)
    value = tl.load(rows + row * D + d, mask=d < D, other=0.0).to(tl.float32)
    tl.atomic_add(sums + (flat // K).to(tl.int64) * D + d, value, mask=d < D)


@triton.jit
def round_off(sums, out, size, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(sums + at, mask=at < size, other=0.0)
    tl.store(out + at, value.to(out.dtype.element_ty), mask=at < size)


def scratch(shape):
    return {"sums": ((shape.T, shape.D), "float32")}


def plan(shape):
    size = shape.T * shape.D
    flat_grid = (triton.cdiv(size, 1024),)
    grid = (shape.R, triton.cdiv(shape.D, BLOCK_D))
    scattered = {"rows": "rows", "place": "place", "sums": "sums", "D": shape.D}
    return [
        {"kernel": clear, "grid": flat_grid, "args": {"sums": "sums", "size": size}, "constexprs": {"BLOCK": 1024}},
        {"kernel": scatter, "grid": grid, "args": scattered, "constexprs": {"K": shape.K, "BLOCK_D": BLOCK_D}},
        {
            "kernel": round_off,
            "grid": flat_grid,
            "args": {"sums": "sums", "out": "out", "size": size},
            "constexprs": {"BLOCK": 1024},
        },
    ]
