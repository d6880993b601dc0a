"""Fewest outstanding requests; every iteration filled to 2,048 tokens: long prompts split, short ones composed.

Source: Dynamic SplitFuse of DeepSpeed-FastGen (Holmes et al., arXiv:2401.08671).
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
            "budget": np.full(replica.running.size, 2048),
        }
