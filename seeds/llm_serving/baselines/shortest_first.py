"""Least predicted work, and the shortest prompt first, aged: a second of waiting outweighs 2,000 tokens.

Source: shortest job first with ageing, after Wu et al., "Fast Distributed Inference Serving for Large Language Models"
(arXiv:2305.05920).
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

TOKENS_PER_SECOND = 2000.0


class Policy:
    """See the module."""

    def __init__(self, config):
        self.mean_output = config["mean_output"]

    def options(self):
        """What is wanted of the engine."""
        return {}

    def arrive(self, now, request, replicas):
        """Where the request goes, and its place in the queue."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        return {
            "route": predicted_work_s(request, replica, self.mean_output),
            "decode_route": replica.running + replica.waiting,
            "key": request.arrival_s + request.prompt / TOKENS_PER_SECOND,
        }


def predicted_work_s(request, replica, mean_output):
    """Seconds of GPU time ahead of the request: queued prompts, its own, and what the decodes there still take."""
    outstanding = replica.running + replica.waiting
    tokens_left = np.maximum(outstanding * mean_output - replica.generated_tokens, 0.0)
    return replica.queued_s + replica.prompt_s + tokens_left * replica.iteration_s / np.maximum(replica.running, 16.0)
