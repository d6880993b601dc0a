"""Shortest prefill queue in requests, prompts batched until the GPU is busy; decodes to the least loaded replica.

Source: DistServe (Zhong et al., OSDI 2024, arXiv:2401.09670). On overflow the newest request is swapped out, as its
public code does. Its decode side pulls; here the least loaded one is chosen when the request comes.
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
        tokens = config["knots"]
        per_token = config["linear_s"] / tokens  # seconds
        within = per_token <= 1.1 * per_token.min(axis=1, keepdims=True)
        self.saturating = tokens[within.argmax(axis=1)]  # the fewest tokens that use the GPU well

    def options(self):
        """What is wanted of the engine."""
        return {"swap": True}

    def arrive(self, now, request, replicas):
        """Where the request goes, and its place in the queue."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        return {
            "route": replica.running + replica.waiting,
            "decode_route": replica.running + replica.waiting,
            "key": request.arrival_s,
            "budget": np.where(replica.decodes > 0, 512, self.saturating),
        }
