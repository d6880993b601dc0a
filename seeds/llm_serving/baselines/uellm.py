"""Batches of requests with similar SLOs and outputs: sorted by both, closed when padding would cost too much.

Source: UELLM (He et al., ICSOC 2024, arXiv:2409.14961), batches and threshold as in its code: a request joins while
1.2 * (its output - the batch's longest) * (size + 1) is within 15,000 tokens. Its batches are padded; here a batch is
what enters together, and decodes go on beside it. Where nobody predicts an output, the service's mean stands for it.
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

ARRIVAL_S, STATE, PREFILL_LEFT, KV_TOKENS, PREDICTED, SLO_TTFT_S = 1, 2, 3, 4, 6, 8
SLO_WEIGHT, LENGTH_WEIGHT = 1.0, 0.005  # seconds per second, per token
MOST, PADDING_COST, THRESHOLD = 10, 1.2, 15000.0  # requests, per padded token, tokens
KV_SHARE = 0.95


class Policy:
    """See the module."""

    def __init__(self, config):
        self.config = config

    def options(self):
        """What is wanted of the engine."""
        return {"batches": True}

    def arrive(self, now, request, replicas):
        """Where the request goes, and its place in the queue."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        return {
            "route": replica.kv_used + replica.queued_tokens,
            "decode_route": replica.kv_used,
            "key": request.arrival_s,
        }

    def batch(self, now, replica, state, waiting, running):
        """The next batch by SLO and predicted length, as far as tokens and memory last."""
        run = np.where(running[:, STATE] == 2, running[:, PREFILL_LEFT], 1).astype(np.int64)
        admit = np.zeros(len(waiting), dtype=np.int64)
        output = np.where(waiting[:, PREDICTED] > 0, waiting[:, PREDICTED], self.config["mean_output"])
        order = np.argsort(waiting[:, ARRIVAL_S] + SLO_WEIGHT * waiting[:, SLO_TTFT_S] + LENGTH_WEIGHT * output)
        free = KV_SHARE * state[2] - state[3] - len(running)
        longest = output[order[0]] if len(order) else 0.0
        for size, i in enumerate(order[:MOST]):
            padding = PADDING_COST * (output[i] - longest) * (size + 1)
            longest = max(longest, output[i])
            fits = waiting[i, KV_TOKENS] <= free and size + len(running) < self.config["max_running"]
            if not fits or padding > THRESHOLD:
                break
            admit[i] = max(1, waiting[i, PREFILL_LEFT])
            free -= waiting[i, KV_TOKENS]
        if not len(running) and len(waiting) and not admit.any():
            admit[order[0]] = max(1, waiting[order[0], PREFILL_LEFT])
        return {"admit": admit, "run": run}
