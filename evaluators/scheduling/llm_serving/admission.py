"""Who may join a replica's batch: seats, memory, and what its cache holds already."""

from __future__ import annotations

from bisect import insort

from evaluators.scheduling.llm_serving.replica import Replica
from evaluators.scheduling.llm_serving.requests import BLOCK_TOKENS, Request, State

MAX_RUNNING = 128  # sequences
WATERMARK = 0.01  # share of the KV cache that admissions leave free, as in vLLM


def fits(replica: Replica, request: Request) -> bool:
    """Whether the KV of its whole prompt can be allocated now, one more token for each decode left free."""
    if replica.num_running >= MAX_RUNNING:
        return False
    matched = _matched(replica, request)
    needed = request.target - BLOCK_TOKENS * matched
    if matched:
        needed += BLOCK_TOKENS * replica.cache.idle_among(request.blocks[:matched])
    free = replica.cost.kv_tokens - replica.kv_used - len(replica.decoding)
    watermark = int(WATERMARK * replica.cost.kv_tokens)
    return needed <= free - watermark or (needed <= free and replica.num_running == 0)


def admit(replica: Replica, place: int) -> Request:
    """Allocate the KV of a waiting request; what the cache holds need not be computed."""
    request = replica.waiting.pop(place)[2]
    matched = _matched(replica, request)
    replica.kv_used += request.target - BLOCK_TOKENS * matched
    if matched:
        replica.kv_used += BLOCK_TOKENS * replica.cache.hold(request.blocks[:matched])
    request.shared = matched
    found = BLOCK_TOKENS * matched
    if not request.admitted:  # later ones find what the request left itself, or bring their KV along
        request.admitted, request.hit_tokens = True, found
    if request.swapped:
        request.swapped = False
        replica.copy_s += replica.cost.swap_s(request.prefilled)
    if not request.prefilled:  # else its KV came with it, from another replica or from the host
        request.prefilled = found
        replica.queued_tokens -= found
    if request.prefilled >= request.target:
        replica.join(request)
    else:
        request.state = State.PREFILLING
        insort(replica.prefilling, (request.key, request.uid, request))
    replica.trim()
    return request


def hit_tokens(replica: Replica, request: Request) -> int:
    """Leading tokens of a prompt that the replica's cache holds; the last token is always computed."""
    return BLOCK_TOKENS * min(replica.cache.match(request.blocks), (request.target - 1) // BLOCK_TOKENS)


def _matched(replica: Replica, request: Request) -> int:
    if not request.blocks or request.prefilled:
        return 0
    return min(replica.cache.match(request.blocks), (request.target - 1) // BLOCK_TOKENS)
