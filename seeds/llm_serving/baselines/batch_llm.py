"""Requests with a common prefix stand together in the queue, on the replica that has it.

Source: the prefix groups of BatchLLM (Zheng et al., arXiv:2412.03594), which plans a whole offline batch; here a
group forms as its requests come, and stands where its first one stood.
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

WINDOW_S = 20.0  # a group that nobody joined for so long is over


class Policy:
    """See the module."""

    def __init__(self, config):
        self.groups = {}

    def options(self):
        """What is wanted of the engine."""
        return {}

    def arrive(self, now, request, replicas):
        """Where the request goes, and its place in the queue."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        group = request.prefix_id
        key = request.arrival_s
        if group >= 0:
            first, seen_s = self.groups.get(group, (key, key))
            key = first if key - seen_s < WINDOW_S else key
            self.groups[group] = (key, request.arrival_s)
        missing = request.prompt - replica.hit_tokens
        return {
            "route": missing + 0.3 * replica.queued_tokens,
            "decode_route": replica.kv_used,
            "key": key,
            "budget": np.full(replica.running.size, 2048),
        }
