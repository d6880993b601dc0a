"""Least predicted work, and the least remaining processing time first, aged.

Source: shortest remaining processing time (Schrage, Operations Research 16, 1968) with predicted output lengths, as in
Shahout et al., "Don't Stop Me Now: Embedding Based Scheduling for LLMs" (arXiv:2410.01035). Where nobody predicts an
output, the service's mean stands for it.
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

WEIGHT = 5.0  # a second of work outweighs that many of waiting


class Policy:
    """See the module."""

    def __init__(self, config):
        self.config = config
        self.token_s = float(np.min(config["linear_s"][:, 0])) / 16  # of an iteration shared by 16

    def options(self):
        """What is wanted of the engine."""
        return {}

    def arrive(self, now, request, replicas):
        """Where the request goes, and its place in the queue."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        output = request.predicted or self.config["mean_output"]
        remaining_s = float(np.min(replica.prompt_s)) + self.token_s * output
        return {
            "route": predicted_work_s(request, replica, self.config["mean_output"]),
            "decode_route": replica.running + replica.waiting,
            "key": request.arrival_s + WEIGHT * remaining_s,
        }


def predicted_work_s(request, replica, mean_output):
    """Seconds of GPU time ahead of the request: queued prompts, its own, and what the decodes there still take."""
    outstanding = replica.running + replica.waiting
    tokens_left = np.maximum(outstanding * mean_output - replica.generated_tokens, 0.0)
    return replica.queued_s + replica.prompt_s + tokens_left * replica.iteration_s / np.maximum(replica.running, 16.0)
