"""Uniform Progress without its hysteresis: spot whenever it is there; without it, on demand only while behind.

Behind is below the straight line from nothing at the start to all of the work at the deadline.

Source: Wu et al., "Can't Be Late: Optimizing Spot Instance Savings under Deadlines", NSDI 2024; see `hysteresis.py` for
the rule as published.
"""

IDLE, SPOT, ON_DEMAND = 0, 1, 2


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        self.pace = config["work"] / config["deadline"]

    def step(self, tick: int, done: int, mode: int, region: int, pending: int, available: list) -> tuple:
        """Spot if it is there, else what the line asks for."""
        if available[region]:
            return SPOT, region
        return (ON_DEMAND if done < self.pace * tick else IDLE), region
