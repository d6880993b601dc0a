"""One program for each token over up to 2048 columns, the loads of its K rows in flight together.

Source: `evaluators/kernels/combine.py` of this repository; a deterministic gather rather than atomic adds, as the
token-permutation kernels of MegaBlocks (Gale et al., arXiv:2211.15841) gather.
"""

import triton
import triton.language as tl

BLOCK_T = 1
BLOCK_D = 2048


@triton.jit
def combine(rows, place, out, T, D, K: tl.constexpr, BLOCK_T: tl.constexpr, BLOCK_D: tl.constexpr):
    t = tl.program_id(0) * BLOCK_T + tl.arange(0, BLOCK_T)
    d = tl.program_id(1) * BLOCK_D + tl.arange(0, BLOCK_D)
    inside = (t < T)[:, None] & (d < D)[None, :]
    total = tl.zeros((BLOCK_T, BLOCK_D), dtype=tl.float32)
    for k in tl.static_range(K):
        row = tl.load(place + t * K + k, mask=t < T, other=0).to(tl.int64)
        total += tl.load(rows + row[:, None] * D + d[None, :], mask=inside, other=0.0).to(tl.float32)
    tl.store(out + t.to(tl.int64)[:, None] * D + d[None, :], total.to(out.dtype.element_ty), mask=inside)


def plan(shape):
    grid = (triton.cdiv(shape.T, BLOCK_T), triton.cdiv(shape.D, BLOCK_D))
    args = {"rows": "rows", "place": "place", "out": "out", "T": shape.T, "D": shape.D}
    constexprs = {"K": shape.K, "BLOCK_T": BLOCK_T, "BLOCK_D": BLOCK_D}
    return [{"kernel": combine, "grid": grid, "args": args, "constexprs": constexprs, "num_warps": 4}]
