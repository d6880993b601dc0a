"""Prompt and decode replica chosen at arrival, each by its fewest pending tokens; prompts in batches of 2,048 tokens.

Source: Splitwise (Patel et al., ISCA 2024, arXiv:2311.18677). Its mixed pool is what fleets without roles are here.
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
            "route": replica.queued_tokens + (replica.decodes > 0) * replica.context_tokens / 32.0,
            "decode_route": replica.kv_used + replica.waiting * request.prompt,
            "key": request.arrival_s,
            "budget": np.where(replica.decodes > 0, 512, 2048),
        }
