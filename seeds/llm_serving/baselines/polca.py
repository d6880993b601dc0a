"""Fewest outstanding requests; clocks are capped when the fleet's power nears its budget, urgent work last.

Source: POLCA (Patel et al., "Characterizing Power Management Opportunities for LLMs in the Cloud", ASPLOS 2024,
arXiv:2308.12908): a budget that 30 % more servers share, two thresholds of the row's power, first the low-priority
clocks are capped, then those of high priority. Power is estimated from what replicas do, instead of measured;
thresholds and caps are ours.
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
BUDGET = 1 / 1.3  # of the fleet's highest power
FIRST, SECOND = 0.8, 0.89  # shares of the budget at which clocks are capped
MILD, HARD = 0.9, 0.75  # caps, as shares of the highest clock
URGENT_S = 10.0  # a replica that took an urgent request counts as high priority that long


class Policy:
    """See the module."""

    def __init__(self, config):
        self.config = config
        self.urgent_until = np.zeros(config["replicas"])

    def options(self):
        """What is wanted of the engine."""
        return {}

    def arrive(self, now, request, replicas):
        """Where the request goes, its place in the queue, and the clock of every replica."""
        request, replica = Request(*request.tolist()), Replicas(*replicas)
        outstanding = replica.running + replica.waiting
        if request.priority > 0:
            able = np.where(replica.prefills > 0, outstanding, np.inf)
            self.urgent_until[able.argmin()] = now + URGENT_S
        used = self.power_w(replica) / (BUDGET * np.sum(self.config["idle_w"] + self.config["dynamic_w"]))
        if self.config["goal"] != ENERGY:
            used = 0.0  # nobody set a budget
        low = HARD if used > SECOND else MILD if used > FIRST else 1.0
        high = MILD if used > SECOND else 1.0
        return {
            "route": outstanding,
            "decode_route": outstanding,
            "key": request.arrival_s - 5.0 * request.priority,
            "frequency": np.where(self.urgent_until > now, high, low),
        }

    def power_w(self, replica):
        """Watts of the fleet at full clocks: capping must not lift its own cap."""
        busy = np.where(replica.queued_tokens > 0, 1.0, 0.55) * (replica.running + replica.waiting > 0)
        return np.sum(self.config["idle_w"] + self.config["dynamic_w"] * busy)
