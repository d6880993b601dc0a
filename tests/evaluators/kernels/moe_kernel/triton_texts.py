"""A right program for the stage combine, to be made wrong."""

from __future__ import annotations

COMBINE = """
import triton
import triton.language as tl


@triton.jit
def combine(rows, place, out, T, D, K: tl.constexpr, BLOCK_T: tl.constexpr, BLOCK_D: tl.constexpr):
    t = tl.program_id(0) * BLOCK_T + tl.arange(0, BLOCK_T)
    d = tl.arange(0, BLOCK_D)
    inside = (t < T)[:, None] & (d < D)[None, :]
    total = tl.zeros((BLOCK_T, BLOCK_D), dtype=tl.float32)
    for k in range(K):
        row = tl.load(place + t * K + k, mask=t < T, other=0)
        total += tl.load(rows + row[:, None] * D + d[None, :], mask=inside, other=0.0).to(tl.float32)
    tl.store(out + t[:, None] * D + d[None, :], total.to(out.dtype.element_ty), mask=inside)


def plan(shape):
    args = {"rows": "rows", "place": "place", "out": "out", "T": shape.T, "D": shape.D}
    constexprs = {"K": shape.K, "BLOCK_T": 8, "BLOCK_D": triton.next_power_of_2(shape.D)}
    return [{"kernel": combine, "grid": (triton.cdiv(shape.T, 8),), "args": args, "constexprs": constexprs}]
"""


def edited(old: str, new: str) -> str:
    assert old in COMBINE
    return COMBINE.replace(old, new)
