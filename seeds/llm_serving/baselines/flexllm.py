"""Least predicted work; every iteration is filled with fine-tuning tokens up to the TPOT limit.

Source: FlexLLM's hybrid token scheduler (Oliaro et al., NSDI 2026, arXiv:2402.18789): inference tokens first, then as
many fine-tuning tokens as the latency limit of the iteration leaves room for.
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

TUNING = 2  # the goal of that number
TPOT_SHARE = 0.8  # of the limit that an iteration is filled up to
TTFT_SHARE = 0.5  # of the limit above which queued prompts stop the fine-tuning


class Policy:
    """See the module."""

    def __init__(self, config):
        self.config = config

    def options(self):
        """What is wanted of the engine."""
        return {}

    def arrive(self, now, request, replicas):
        """Where the request goes, its place in the queue, and the length of fine-tuning iterations."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        reply = {
            "route": predicted_work_s(request, replica, self.config["mean_output"]),
            "decode_route": replica.running + replica.waiting,
            "key": request.arrival_s + request.prompt / 2000.0 - 5.0 * request.priority,
        }
        if self.config["goal"] == TUNING:
            calm = replica.queued_s < TTFT_SHARE * request.slo_ttft_s
            reply["tune_s"] = calm * TPOT_SHARE * request.slo_tpot_s
        return reply


def predicted_work_s(request, replica, mean_output):
    """Seconds of GPU time ahead of the request: queued prompts, its own, and what the decodes there still take."""
    outstanding = replica.running + replica.waiting
    tokens_left = np.maximum(outstanding * mean_output - replica.generated_tokens, 0.0)
    return replica.queued_s + replica.prompt_s + tokens_left * replica.iteration_s / np.maximum(replica.running, 16.0)
