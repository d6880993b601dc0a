"""The replica with the fewest requests, waiting or running; first come first served, chunks of 512 tokens.

Source: least-connections routing, as in HAProxy and NGINX. Vidur's "LOR" (Agrawal et al., MLSys 2024) counts
waiting requests only and does worse than round robin.
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
        return {"route": replica.running + replica.waiting, "key": request.arrival_s}
