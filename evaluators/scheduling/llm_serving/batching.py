"""How a replica fills its next iteration: the engine's own rules, which the scoring form steers by keys and budgets.

Mixed: Sarathi-Serve's stall-free batching (Agrawal et al., OSDI 2024, arXiv:2403.02310): all decodes, then prompts
begun, then new prompts in order of their keys while tokens, seats and memory last. With an unlimited budget it is
ORCA's iteration-level batching (Yu et al., OSDI 2022); a budget always filled is SplitFuse (DeepSpeed-FastGen,
arXiv:2401.08671). Prefill first: vLLM's default (Kwon et al., SOSP 2023): whole new prompts before any decode.
"""

from __future__ import annotations

from evaluators.scheduling.llm_serving.admission import admit, fits
from evaluators.scheduling.llm_serving.replica import Replica
from evaluators.scheduling.llm_serving.requests import Request

Chunks = list[tuple[Request, int]]

SMALLEST_CHUNK = 32  # tokens of prefill that an iteration gets whatever its wanted length: prompts must not starve
PREFILL_FIRST_TOKENS = 4096  # per iteration of whole prompts; one longer prompt goes alone


def make_room(replica: Replica, now_s: float) -> None:
    """Preempt the least urgent until every decoding sequence has room for a token."""
    while replica.decoding and replica.kv_used + len(replica.decoding) > replica.cost.kv_tokens:
        replica.preempt(replica.least_urgent(), now_s)


def mixed_chunks(replica: Replica) -> Chunks:
    """Prefill beside all decodes, within the replica's budget and wanted length."""
    if not (replica.waiting or replica.prefilling):
        return []
    chunks: Chunks = []
    left = _prefill_tokens(replica)
    for _, _, request in replica.prefilling:
        if left <= 0:
            return chunks
        size = min(request.target - request.prefilled, left)
        chunks.append((request, size))
        left -= size
    while left > 0 and replica.waiting and fits(replica, replica.waiting[0][2]):
        request = admit(replica, 0)
        size = min(request.target - request.prefilled, left)
        if size:
            chunks.append((request, size))
            left -= size
    return chunks


def prefill_first_chunks(replica: Replica) -> Chunks:
    """Whole prompts that fit now; while there are any, decodes stand still."""
    chunks = [(request, request.target - request.prefilled) for _, _, request in replica.prefilling]
    left = PREFILL_FIRST_TOKENS
    while replica.waiting and fits(replica, replica.waiting[0][2]):
        wanted = replica.waiting[0][2].target - replica.waiting[0][2].prefilled
        if chunks and wanted > left:
            break
        request = admit(replica, 0)
        size = request.target - request.prefilled
        if size:
            chunks.append((request, size))
            left -= size
    return chunks


def _prefill_tokens(replica: Replica) -> int:
    decoding = len(replica.decoding)
    left = replica.budget - decoding
    if replica.target_s <= 0 or left <= 0:
        return left
    head = (replica.prefilling or replica.waiting)[0][2]
    within = replica.cost.largest_chunk(decoding, replica.read_tokens, head.prefilled, replica.target_s, left)
    return min(left, max(within, SMALLEST_CHUNK))
