"""The replica with the fewest prompt tokens to compute: those its cache lacks, and a share of those queued.

Source: cache-aware routing as in Preble (Srivatsa et al., arXiv:2407.00023) and Mooncake (Qin et al., FAST 2025).
"""

from collections import namedtuple

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

QUEUE_SHARE = 0.3


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
        return {
            "route": missing + QUEUE_SHARE * replica.queued_tokens + 0.02 * replica.context_tokens,
            "decode_route": replica.kv_used,
            "key": request.arrival_s,
        }
