"""Reserve memory for the predicted output, too, and fill it by decreasing first fit; whole prompts, ORCA's iterations.

Source: S^3 (Jin et al., NeurIPS 2023, arXiv:2306.06000). Predictions are rounded up to buckets; a request that
outgrows its bucket reserves twice as much. Where nobody predicts, twice the service's mean stands for it.
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

ARRIVAL_S, STATE, PREFILL_LEFT, KV_TOKENS, GENERATED, PREDICTED = 1, 2, 3, 4, 5, 6
BUCKET = 64  # tokens
KV_SHARE = 0.95
WINDOW = 16  # oldest requests that first fit looks at


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
        """Let in what fits beside the reservations, the largest first among the oldest."""
        free = min(
            KV_SHARE * state[2] - float(np.sum(self.reserved(running))), KV_SHARE * state[2] - state[3] - len(running)
        )
        seats = int(self.config["max_running"] - len(running))
        admit = np.zeros(len(waiting), dtype=np.int64)
        wanted = self.reserved(waiting)
        oldest = np.argsort(waiting[:, ARRIVAL_S])[:WINDOW]
        for i in sorted(oldest, key=lambda i: -wanted[i]):
            if wanted[i] <= free and seats > 0:
                admit[i] = max(1, waiting[i, PREFILL_LEFT])
                free -= wanted[i]
                seats -= 1
        if not running.size and not admit.any() and len(waiting):
            admit[oldest[0]] = max(1, waiting[oldest[0], PREFILL_LEFT])
        run = np.where(running[:, STATE] == 2, running[:, PREFILL_LEFT], 1)
        return {"admit": admit, "run": run.astype(np.int64)}

    def reserved(self, rows):
        """KV tokens set aside for each request."""
        predicted = np.where(rows[:, PREDICTED] > 0, rows[:, PREDICTED], 2 * self.config["mean_output"])
        bucket = BUCKET * np.ceil(predicted / BUCKET)
        while (outgrown := rows[:, GENERATED] > bucket).any():
            bucket = np.where(outgrown, 2 * bucket, bucket)
        return rows[:, KV_TOKENS] - rows[:, GENERATED] + bucket
