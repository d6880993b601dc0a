"""Larger blocks of tokens and a deeper pipeline of loads.

Source: the block sizes of `evaluators/kernels/router.py` of this repository (its default for Hopper).
"""

import triton
import triton.language as tl

BLOCK_T = 32
BLOCK_D = 64


@triton.jit
def route(
    x,
    weight,
    bias,
    idx,
    gates,
    T,
    E,
    D: tl.constexpr,
    K: tl.constexpr,
    RANKS: tl.constexpr,
    EXPERTS: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    t = tl.program_id(0) * BLOCK_T + tl.arange(0, BLOCK_T)
    e = tl.arange(0, EXPERTS)
    logits = tl.zeros((BLOCK_T, EXPERTS), dtype=tl.float32)
    for first in range(0, D, BLOCK_D):
        d = first + tl.arange(0, BLOCK_D)
        a = tl.load(x + t.to(tl.int64)[:, None] * D + d[None, :], mask=(t < T)[:, None] & (d < D)[None, :], other=0.0)
        b = tl.load(weight + e[None, :] * D + d[:, None], mask=(e < E)[None, :] & (d < D)[:, None], other=0.0)
        logits = tl.dot(a, b, logits, input_precision="ieee")
    logits = tl.where((e < E)[None, :], logits, float("-inf"))
    power = tl.exp(logits - tl.max(logits, axis=1)[:, None])
    scores = power / tl.sum(power, axis=1)[:, None]
    left = scores + tl.load(bias + e, mask=e < E, other=0.0)[None, :]
    left = tl.where((e < E)[None, :], left, float("-inf"))
    rank = tl.arange(0, RANKS)
    chosen = tl.zeros((BLOCK_T, RANKS), dtype=tl.int32)
    values = tl.zeros((BLOCK_T, RANKS), dtype=tl.float32)
    for k in range(K):
        best = tl.argmax(left, axis=1)
        taken = e[None, :] == best[:, None]
        gate = tl.sum(tl.where(taken, scores, 0.0), axis=1)
        left = tl.where(taken, float("-inf"), left)
        chosen = tl.where(rank[None, :] == k, best[:, None], chosen)
        values = tl.where(rank[None, :] == k, gate[:, None], values)
    values = values / tl.sum(values, axis=1)[:, None]
    at = t[:, None] * K + rank[None, :]
    inside = (t < T)[:, None] & (rank < K)[None, :]
    tl.store(idx + at, chosen, mask=inside)
    tl.store(gates + at, values, mask=inside)


def plan(shape):
    experts = max(16, triton.next_power_of_2(shape.E))
    sizes = {"T": shape.T, "E": shape.E}
    args = {"x": "x", "weight": "weight", "bias": "bias", "idx": "idx", "gates": "gates", **sizes}
    blocks = {"BLOCK_T": BLOCK_T, "BLOCK_D": BLOCK_D}
    constexprs = {"D": shape.D, "K": shape.K, "RANKS": triton.next_power_of_2(shape.K), "EXPERTS": experts, **blocks}
    grid = (triton.cdiv(shape.T, BLOCK_T),)
    return [
        {
            "kernel": route,
            "grid": grid,
            "args": args,
            "constexprs": constexprs,
            "num_warps": 4,
            "num_stages": 4,
        }
    ]
