"""Uniform Progress over several regions: when spot is gone here, take it in the next region in turn that has it.

Prices and the cost of moving are ignored. With one region this is `uniform_progress.py`.

Source: the round-robin extension of Uniform Progress that the multi-region problem of the AI-driven research for
systems benchmark compares with (Cheng et al., "Barbarians at the Gate", 2025), written from its description.
"""

IDLE, SPOT, ON_DEMAND = 0, 1, 2


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        self.pace = config["work"] / config["deadline"]

    def step(self, tick: int, done: int, mode: int, region: int, pending: int, available: list) -> tuple:
        """Spot here or in the next region in turn, else what the line asks for."""
        for turn in range(len(available)):
            other = (region + turn) % len(available)
            if available[other]:
                return SPOT, other
        return (ON_DEMAND if done < self.pace * tick else IDLE), region
