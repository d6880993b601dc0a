"""Fewest outstanding requests; iteration-level batches of whole prompts and decodes, first come first served.

Source: Yu et al., "Orca", OSDI 2022. Its reservation of the longest output is not kept: memory is paged here.
"""

from collections import namedtuple

import numpy as np

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
        return {
            "route": replica.running + replica.waiting,
            "key": request.arrival_s,
            "budget": np.full(replica.running.size, 16384),
        }
