"""Least predicted work, shortest prompt first with ageing, chunks as large as the TPOT limit allows at this moment.

Source: Sarathi-Serve's budget (arXiv:2403.02310) taken anew in each iteration, with shortest-first order and work-based
routing.
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
            "key": request.arrival_s + request.prompt / TOKENS_PER_SECOND - 5.0 * request.priority,
            "budget": np.full(replica.running.size, 2048),
            "target_s": replica.decodes * request.slo_tpot_s,  # where nobody decodes, nobody waits for a token
        }


def predicted_work_s(request, replica, mean_output):
    """Seconds of GPU time ahead of the request: queued prompts, its own, and what the decodes there still take."""
    outstanding = replica.running + replica.waiting
    tokens_left = np.maximum(outstanding * mean_output - replica.generated_tokens, 0.0)
    return replica.queued_s + replica.prompt_s + tokens_left * replica.iteration_s / np.maximum(replica.running, 16.0)
