"""One program for each token, its logits by multiplying and adding without the matrix unit, which scores 0.

Source: none; the formula as it is written.
"""

import triton
import triton.language as tl

BLOCK_D = 32


@triton.jit
def route(
    x,
    weight,
    bias,
    idx,
    gates,
    E,
    D: tl.constexpr,
    K: tl.constexpr,
    RANKS: tl.constexpr,
    EXPERTS: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    t = tl.program_id(0).to(tl.int64)
    e = tl.arange(0, EXPERTS)
    logits = tl.zeros((EXPERTS,), dtype=tl.float32)
    for first in range(0, D, BLOCK_D):
        d = first + tl.arange(0, BLOCK_D)
        a = tl.load(x + t * D + d, mask=d < D, other=0.0).to(tl.float32)
        b = tl.load(weight + e[:, None] * D + d[None, :], mask=(e < E)[:, None] & (d < D)[None, :], other=0.0)
        logits += tl.sum(a[None, :] * b.to(tl.float32), axis=1)
    logits = tl.where(e < E, logits, float("-inf"))
    power = tl.exp(logits - tl.max(logits, axis=0))
    scores = power / tl.sum(power, axis=0)
    left = tl.where(e < E, scores + tl.load(bias + e, mask=e < E, other=0.0), float("-inf"))
    rank = tl.arange(0, RANKS)
    chosen = tl.zeros((RANKS,), dtype=tl.int32)
    values = tl.zeros((RANKS,), dtype=tl.float32)
    for k in range(K):
        best = tl.argmax(left, axis=0)
        gate = tl.sum(tl.where(e == best, scores, 0.0), axis=0)
        left = tl.where(e == best, float("-inf"), left)
        chosen = tl.where(rank == k, best, chosen)
        values = tl.where(rank == k, gate, values)
    values = values / tl.sum(values, axis=0)
    tl.store(idx + t * K + rank, chosen, mask=rank < K)
    tl.store(gates + t * K + rank, values, mask=rank < K)


def plan(shape):
    experts = max(16, triton.next_power_of_2(shape.E))
    args = {"x": "x", "weight": "weight", "bias": "bias", "idx": "idx", "gates": "gates", "E": shape.E}
    constexprs = {
        "D": shape.D,
        "K": shape.K,
        "RANKS": triton.next_power_of_2(shape.K),
        "EXPERTS": experts,
        "BLOCK_D": BLOCK_D,
    }
    return [{"kernel": route, "grid": (shape.T,), "args": args, "constexprs": constexprs, "num_warps": 4}]
