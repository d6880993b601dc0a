"""Spot whenever it is there, else wait; the guard turns to on demand when the deadline leaves no choice.

Source: the greedy policy of Wu et al., "Can't Be Late: Optimizing Spot Instance Savings under Deadlines", NSDI 2024.
"""

IDLE, SPOT = 0, 1


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        del config

    def step(self, tick: int, done: int, mode: int, region: int, pending: int, available: list) -> tuple:
        """Spot or nothing, here."""
        return (SPOT if available[region] else IDLE), region
