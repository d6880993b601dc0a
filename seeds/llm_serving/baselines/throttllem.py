"""Least predicted work; each replica runs at the lowest clock that is predicted to keep the limits.

Source: throttLL'eM (Kakolyris et al., "SLO-aware GPU Frequency Scaling for Energy Efficient LLM Inference Serving",
arXiv:2408.05235). Its learned performance model is the cost table here; it also scales instances, which are given here.
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

ENERGY = 1  # the goal of that number
CLOCKS = np.linspace(0.5, 1.0, 11)
CHUNK = 256  # tokens per iteration, decodes included
TTFT_SHARE = 0.4  # of the limit that queue and prompt may be predicted to take
TPOT_SHARE = 0.9  # of the limit that an iteration with a full chunk may take


class Policy:
    """See the module."""

    def __init__(self, config):
        self.config = config
        self.linear_s = np.array([np.interp(CHUNK, config["knots"], row) for row in config["linear_s"]])

    def options(self):
        """What is wanted of the engine."""
        return {}

    def arrive(self, now, request, replicas):
        """Where the request goes, its place in the queue, and the clock of every replica."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        work_s = predicted_work_s(request, replica, self.config["mean_output"])
        reply = {
            "route": work_s,
            "decode_route": replica.running + replica.waiting,
            "key": request.arrival_s + request.prompt / 2000.0 - 5.0 * request.priority,
        }
        if self.config["goal"] == ENERGY:
            reply["budget"] = np.full(replica.running.size, CHUNK)
            reply["frequency"] = self.clocks(request, replica)
        return reply

    def clocks(self, request, replica):
        """For each replica the lowest clock that keeps both limits, or the highest."""
        fixed_s = replica.iteration_s + self.config["cpu_s"]
        computing_s = np.maximum(self.linear_s - self.config["weights_s"], 0.0)
        slowed = 1 / CLOCKS[:, None]
        first_s = (replica.queued_s + replica.prompt_s) * slowed
        keeps = (fixed_s + computing_s * slowed <= TPOT_SHARE * request.slo_tpot_s) & (
            first_s <= TTFT_SHARE * request.slo_ttft_s
        )
        return np.where(keeps.any(axis=0), CLOCKS[keeps.argmax(axis=0)], 1.0)


def predicted_work_s(request, replica, mean_output):
    """Seconds of GPU time ahead of the request: queued prompts, its own, and what the decodes there still take."""
    outstanding = replica.running + replica.waiting
    tokens_left = np.maximum(outstanding * mean_output - replica.generated_tokens, 0.0)
    return replica.queued_s + replica.prompt_s + tokens_left * replica.iteration_s / np.maximum(replica.running, 16.0)
