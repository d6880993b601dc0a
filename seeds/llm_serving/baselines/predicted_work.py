"""The replica with the least predicted work (shortest work queue); first come first served, chunks of 512 tokens.

Source: join the shortest workload, with the work of a request predicted from prompt and mean output as in intelligent
routers (Jain et al., "Intelligent Router for LLM Workloads", arXiv:2408.13510).
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
        self.mean_output = config["mean_output"]

    def options(self):
        """What is wanted of the engine."""
        return {}

    def arrive(self, now, request, replicas):
        """Where the request goes, and its place in the queue."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        work_s = predicted_work_s(request, replica, self.mean_output)
        return {"route": work_s, "decode_route": decode_load(replica), "key": request.arrival_s}


def decode_load(replica):
    """Sequences per replica, those in the queue included."""
    return replica.running + replica.waiting


def predicted_work_s(request, replica, mean_output):
    """Seconds of GPU time ahead of the request: queued prompts, its own, and what the decodes there still take."""
    outstanding = replica.running + replica.waiting
    tokens_left = np.maximum(outstanding * mean_output - replica.generated_tokens, 0.0)
    return replica.queued_s + replica.prompt_s + tokens_left * replica.iteration_s / np.maximum(replica.running, 16.0)
