"""The best model that is predicted to answer in time, for every request by the load of the moment.

Source: "Learned Best-Effort LLM Serving" (Jha et al., 2024, arXiv:2401.07886): a router chooses among model sizes by a
value of quality and deadline. Its state is the same (batch sizes, arrival rate); its learned value is a formula here.
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

TTFT_SHARE = 0.5  # of the limit that queue and prompt may be predicted to take
TPOT_SHARE = 0.8  # of the limit that a decode iteration may take
SECONDS = 2.0  # of the time between arrivals that the estimate of the rate forgets


class Policy:
    """See the module."""

    def __init__(self, config):
        self.config = config
        self.rate, self.last_s = 0.0, 0.0

    def options(self):
        """What is wanted of the engine."""
        return {}

    def arrive(self, now, request, replicas):
        """Where the request goes, and its place in the queue."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        self.rate = self.rate * np.exp(-(now - self.last_s) / SECONDS) + 1 / SECONDS
        self.last_s = now
        work_s = predicted_work_s(request, replica, self.config["mean_output"])
        coming_s = replica.prompt_s * self.rate / replica.running.size * request.slo_ttft_s  # others like it, meanwhile
        first_s = replica.queued_s + replica.prompt_s + 0.5 * coming_s
        in_time = (first_s <= TTFT_SHARE * request.slo_ttft_s) & (
            replica.iteration_s <= TPOT_SHARE * request.slo_tpot_s
        )
        value = self.config["quality"] * in_time
        return {
            "route": work_s - 1e3 * value,
            "decode_route": replica.running + replica.waiting,
            "key": request.arrival_s + request.prompt / 2000.0 - 5.0 * request.priority,
        }


def predicted_work_s(request, replica, mean_output):
    """Seconds of GPU time ahead of the request: queued prompts, its own, and what the decodes there still take."""
    outstanding = replica.running + replica.waiting
    tokens_left = np.maximum(outstanding * mean_output - replica.generated_tokens, 0.0)
    return replica.queued_s + replica.prompt_s + tokens_left * replica.iteration_s / np.maximum(replica.running, 16.0)
