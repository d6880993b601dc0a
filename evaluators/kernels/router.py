"""K1: the best experts of each token, with their gates, in one pass over the tokens.

Letters: T tokens, D width, E experts, K experts per token.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from evaluators.kernels.launch import DTYPES, check_runnable, device_name, power_of_two
from evaluators.kernels.reference import SCORES, Routing
from evaluators.kernels.shapes import Stage
from evaluators.kernels.tiles import Tiles, default_tiles

_MOST_SCORES = 8192  # of one program, in registers: 64 a thread of four warps; four times as many spill to memory
_MOST_WEIGHTS = 16384  # of one step of the inner dimension, in shared memory


def route(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    top_k: int,
    score: str = "softmax",
    renorm: bool = True,
    tiles: Tiles | None = None,
) -> Routing:
    """The `top_k` best experts of each token; arguments as in `reference.router`.

    A token whose logits are not numbers gets `top_k` different experts and gates of NaN: nothing is read or written
    out of bounds, and the loss shows it.
    """
    return scored_route(x, weight, bias, top_k, score, renorm, tiles)[0]


def scored_route(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    top_k: int,
    score: str = "softmax",
    renorm: bool = True,
    tiles: Tiles | None = None,
) -> tuple[Routing, Tensor]:
    """As `route`, and the scores ``(T, E)`` float32 of every expert, which the backward pass and balancing losses need.

    Raises:
        ValueError: An unknown `score`, or more experts per token than there are.
    """
    check_runnable(x)
    if score not in SCORES or not 0 < top_k <= weight.shape[0]:
        raise ValueError(f"score must be one of {SCORES} and top_k within 1..{weight.shape[0]}, got {score!r}, {top_k}")
    (tokens, width), num_experts = x.shape, weight.shape[0]
    x, weight = x.contiguous(), weight.contiguous()
    idx = torch.empty((tokens, top_k), dtype=torch.int32, device=x.device)
    gates = torch.empty((tokens, top_k), dtype=torch.float32, device=x.device)
    scores = torch.empty((tokens, num_experts), dtype=torch.float32, device=x.device)
    widest = torch.promote_types(x.dtype, weight.dtype)
    chosen = tiles or default_tiles(device_name(x.device), Stage.ROUTER, DTYPES[widest])
    experts = max(16, power_of_two(num_experts))
    block_t = max(16, min(chosen.block_m, _MOST_SCORES // experts))
    block_d = max(16, min(chosen.block_k, _MOST_WEIGHTS // experts))
    router_kernel[(triton.cdiv(tokens, block_t),)](
        x, weight, bias.to(torch.float32), idx, gates, scores, tokens, num_experts,
        width=width, top_k=top_k, softmax=score == "softmax", renorm=renorm, widen=x.dtype != weight.dtype,
        BLOCK_T=block_t, BLOCK_D=block_d, EXPERTS_P2=experts, TOP_K_P2=power_of_two(top_k),
        num_warps=chosen.num_warps, num_stages=chosen.num_stages,
    )  # fmt: skip
    return Routing(idx=idx, gates=gates), scores


@triton.jit
def router_kernel(
    x: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    idx: tl.tensor,
    gates: tl.tensor,
    all_scores: tl.tensor,
    tokens: tl.tensor,
    num_experts: tl.tensor,
    width: tl.constexpr,
    top_k: tl.constexpr,
    softmax: tl.constexpr,
    renorm: tl.constexpr,
    widen: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_D: tl.constexpr,
    EXPERTS_P2: tl.constexpr,
    TOP_K_P2: tl.constexpr,
) -> None:
    """Logits of a block of tokens, their scores, and `top_k` rounds of taking the best expert that is left."""
    token = tl.program_id(0) * BLOCK_T + tl.arange(0, BLOCK_T)
    expert = tl.arange(0, EXPERTS_P2)
    is_token, is_expert = token < tokens, expert < num_experts
    logits = _logits(x, weight, token, expert, is_token, is_expert, width, widen, BLOCK_T, BLOCK_D, EXPERTS_P2)
    if softmax:
        logits = tl.where(is_expert[None, :], logits, float("-inf"))
        power = tl.exp(logits - tl.max(logits, axis=1)[:, None])
        scores = power / tl.sum(power, axis=1)[:, None]
    else:
        scores = 1.0 / (1.0 + tl.exp(-logits))
    both = is_token[:, None] & is_expert[None, :]
    tl.store(all_scores + token.to(tl.int64)[:, None] * num_experts + expert[None, :], scores, mask=both)

    wish = scores + tl.load(bias + expert, mask=is_expert, other=0.0)[None, :]
    wish = tl.where(wish == wish, wish, -3.0e38)  # what is no number comes last, but before what was taken
    wish = tl.where(is_expert[None, :], wish, float("-inf"))
    rank = tl.arange(0, TOP_K_P2)[None, :]
    best_idx = tl.zeros((BLOCK_T, TOP_K_P2), dtype=tl.int32)
    best_gates = tl.zeros((BLOCK_T, TOP_K_P2), dtype=tl.float32)
    for k in tl.static_range(top_k):
        best = tl.argmax(wish, axis=1, tie_break_left=True)
        taken = expert[None, :] == best[:, None]
        wish = tl.where(taken, float("-inf"), wish)
        gate = tl.sum(tl.where(taken, scores, 0.0), axis=1)
        best_idx = tl.where(rank == k, best[:, None], best_idx)
        best_gates = tl.where(rank == k, gate[:, None], best_gates)
    if renorm:
        best_gates = best_gates / tl.sum(best_gates, axis=1)[:, None]
    flat = token[:, None] * top_k + rank
    is_chosen = is_token[:, None] & (rank < top_k)
    tl.store(idx + flat, best_idx, mask=is_chosen)
    tl.store(gates + flat, best_gates, mask=is_chosen)


@triton.jit
def _logits(
    x: tl.tensor,
    weight: tl.tensor,
    token: tl.tensor,
    expert: tl.tensor,
    is_token: tl.tensor,
    is_expert: tl.tensor,
    width: tl.constexpr,
    widen: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_D: tl.constexpr,
    EXPERTS_P2: tl.constexpr,
) -> tl.tensor:
    """``x @ weight.T`` of one block, ``(BLOCK_T, EXPERTS_P2)`` float32; products of 16-bit numbers are exact in it."""
    total = tl.zeros((BLOCK_T, EXPERTS_P2), dtype=tl.float32)
    for first in range(0, width, BLOCK_D):
        column = first + tl.arange(0, BLOCK_D)
        is_column = column < width
        rows = x + token.to(tl.int64)[:, None] * width + column[None, :]
        a = tl.load(rows, mask=is_token[:, None] & is_column[None, :], other=0.0)
        columns = weight + expert[None, :] * width + column[:, None]
        b = tl.load(columns, mask=is_expert[None, :] & is_column[:, None], other=0.0)
        if widen:
            a, b = a.to(tl.float32), b.to(tl.float32)
        # three tf32 products stand for one of float32, close to its accuracy at several times its speed
        total = tl.dot(a, b, total, input_precision="tf32x3")
    return total
