"""The replica with the fewest KV tokens in use or queued (JSKV); first come first served, chunks of 512 tokens.

Source: join the shortest queue by memory, as token-based routers of vLLM and SGLang do.
"""

from collections import namedtuple

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)


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
        return {"route": replica.kv_used + replica.queued_tokens, "key": request.arrival_s}
