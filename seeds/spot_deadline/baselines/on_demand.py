"""On demand from the first tick to the last, in the region that holds the input: the weak baseline, score 0.

Source: the trivial policy; what a user of a deadline does who trusts no spot machine.
"""

ON_DEMAND = 2


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        del config

    def step(self, tick: int, done: int, mode: int, region: int, pending: int, available: list) -> tuple:
        """On demand, here."""
        return ON_DEMAND, region
