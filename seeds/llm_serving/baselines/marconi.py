"""Prefix-aware routing, with a cache that keeps what saves the most work per byte besides what is recent.

Source: the eviction score of Marconi (Pan et al., MLSys 2025, arXiv:2411.19379): recency plus alpha times saved FLOPs
per byte, both normalised. A transformer's saving per token grows with the prefix, so long prefixes are kept longer.
"""

from collections import namedtuple

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

ALPHA_S = 30.0  # seconds of recency that a doubled saving is worth


class Policy:
    """See the module."""

    def __init__(self, config):
        self.config = config

    def options(self):
        """What is wanted of the engine."""
        return {}

    def arrive(self, now, request, replicas):
        """Where the request goes, and its place in the queue."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        missing = request.prompt - replica.hit_tokens
        linear, attention = 1.0, request.prompt / 16384.0  # FLOPs per token relative to the linear layers'
        return {
            "route": missing + 0.3 * replica.queued_tokens + 0.02 * replica.context_tokens,
            "decode_route": replica.kv_used,
            "key": request.arrival_s,
            "retain_s": ALPHA_S * (linear + attention),
        }
