"""Replicas in pairs: of each, one computes prompts at a time while decodes move to its partner.

Source: AcceLLM (Bournias et al., arXiv:2411.05555), which keeps every KV cache twice so that a move is free; here it
costs the copy.
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

MOST_MOVES = 4


class Policy:
    """See the module."""

    def __init__(self, config):
        self.config = config

    def options(self):
        """What is wanted of the engine."""
        return {"rebalance_s": 0.5}

    def arrive(self, now, request, replicas):
        """Where the request goes, and its place in the queue."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        count = replica.running.size
        busy = replica.queued_s + replica.prompt_s
        pair_load = busy + busy[partners(count)] + 0.02 * (replica.running + replica.running[partners(count)])
        return {
            "route": 1e3 * pair_load + replica.running,
            "decode_route": replica.running + replica.waiting,
            "key": request.arrival_s,
        }

    def rebalance(self, now, replicas, requests):
        """Even out the decodes of every pair, shortest context first."""
        replica = Replicas(*replicas)
        count = replica.running.size
        moves = np.full(len(requests), -1)
        partner = partners(count)
        for source in range(count):
            target = partner[source]
            surplus = int(replica.running[source] - replica.running[target]) // 2
            if surplus < 2 or not replica.decodes[target]:
                continue
            running = np.flatnonzero((requests[:, 12] == source) & (requests[:, 2] == 3))
            moves[running[np.argsort(requests[running, 4])[: min(surplus, MOST_MOVES)]]] = target
        return {"move": moves}


def partners(count):
    """The other one of each pair; an odd last one is its own."""
    other = np.arange(count) ^ 1
    return np.where(other < count, other, np.arange(count))
