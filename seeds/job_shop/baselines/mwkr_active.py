"""Most work remaining over whole conflict sets: active schedules instead of non-delay ones.

Source: B. Giffler and G. L. Thompson, "Algorithms for solving production-scheduling problems", Operations Research 8
(1960), with the rule of `mwkr.py`.
"""

DELAY = 1.0


class Policy:
    """The longest remaining job first, even where the machine must wait for it."""

    def __init__(self, config: dict) -> None:
        """Nothing to keep."""

    def priority(self, ops: dict, state: dict) -> dict:
        """The lowest goes first."""
        return {"priority": -ops["work_left"], "delay": DELAY}
