"""Fewest outstanding requests; stall-free batches whose token budget comes from the SLO by a lookup in the profile.

Source: Sarathi-Serve (Agrawal et al., OSDI 2024, arXiv:2403.02310): the largest budget, a multiple of the GEMM tile,
whose iteration keeps the wanted time between tokens.
"""

from collections import namedtuple

import numpy as np

Request = namedtuple("Request", "prompt predicted priority slo_ttft_s slo_tpot_s arrival_s generated prefix_id")
Replicas = namedtuple(
    "Replicas",
    "prefills decodes kv_capacity kv_used running waiting queued_tokens context_tokens generated_tokens"
    " predicted_tokens iteration_s hit_tokens prompt_s queued_s",
)

TILE = 128


class Policy:
    """See the module."""

    def __init__(self, config):
        self.config = config

    def options(self):
        """What is wanted of the engine."""
        return {}

    def arrive(self, now, request, replicas):
        """Where the request goes, and its place in the queue."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        return {
            "route": replica.running + replica.waiting,
            "key": request.arrival_s,
            "budget": [
                self.tokens_within(request.slo_tpot_s, i) if decodes else 2048
                for i, decodes in enumerate(replica.decodes)
            ],
        }

    def tokens_within(self, limit_s, index):
        """The largest multiple of `TILE` tokens whose iteration keeps the limit on a replica."""
        spare_s = limit_s - self.config["cpu_s"][index] - self.config["decode_fixed_s"][index]
        tokens = np.interp(spare_s, self.config["linear_s"][index], self.config["knots"])
        return int(min(max(tokens // TILE, 1) * TILE, 2048))
