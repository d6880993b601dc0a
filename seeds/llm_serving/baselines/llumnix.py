"""Most free replica by virtual usage; running requests migrate live from the least to the most free.

Source: Llumnix (Sun et al., OSDI 2024, arXiv:2406.03243), with the freeness of its public code: (free memory - demand
of all waiting) / (running + waiting), in decode iterations left.
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

LOW, HIGH = 100.0, 400.0  # decode iterations


class Policy:
    """See the module."""

    def __init__(self, config):
        self.config = config

    def options(self):
        """What is wanted of the engine."""
        return {"rebalance_s": 1.0}

    def arrive(self, now, request, replicas):
        """Where the request goes, and its place in the queue."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        return {
            "route": -freeness(replica),
            "decode_route": -freeness(replica),
            "key": request.arrival_s - 5.0 * request.priority,
        }

    def rebalance(self, now, replicas, requests):
        """Pair the least free with the freest; the shortest running request of each such pair moves."""
        replica = Replicas(*replicas)
        free = np.where(replica.decodes > 0, freeness(replica), np.nan)
        moves = np.full(len(requests), -1)
        order = [i for i in np.argsort(free) if np.isfinite(free[i])]
        for source, target in zip(order, reversed(order), strict=True):
            if free[source] >= LOW or free[target] <= HIGH:
                break
            running = np.flatnonzero((requests[:, 12] == source) & (requests[:, 2] == 3))
            if running.size:
                chosen = running[np.lexsort((requests[running, 4], requests[running, 7]))[0]]
                moves[chosen] = target
        return {"move": moves}


def freeness(replica):
    """Decode iterations until the memory is full, everyone in the queue let in."""
    demand = replica.kv_used + replica.queued_tokens
    return (replica.kv_capacity - demand) / np.maximum(replica.running + replica.waiting, 1.0)
