"""Uniform Progress over several regions: a new start goes where the rest of the job would cost least.

A running spot machine is kept. A start elsewhere must earn its move within the expected length of a spot run, guessed
from the runs seen so far in all regions.

Source: greedy choice by price; ours, to tell what prices are worth beyond `round_robin.py`.
"""

IDLE, SPOT, ON_DEMAND = 0, 1, 2
FIRST_GUESS_H = 4.0


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        self.config = config
        self.pace = config["work"] / config["deadline"]
        self.ticks_up = FIRST_GUESS_H * 3600 / config["tick_s"]
        self.ends = 1
        self.before = [False] * config["regions"]

    def step(self, tick: int, done: int, mode: int, region: int, pending: int, available: list) -> tuple:
        """Spot where it is cheapest, the move shared out over a run, else what the line asks for."""
        self.ticks_up += sum(available)
        self.ends += sum(old and not new for old, new in zip(self.before, available, strict=True))
        self.before = available
        if mode == SPOT:
            return SPOT, region
        if any(available):
            return SPOT, self._cheapest(self.config["spot_usd"], region, available)
        if mode == ON_DEMAND and done < self.pace * (tick + 2 * self.config["overhead"]):
            return ON_DEMAND, region
        return (ON_DEMAND if done < self.pace * tick else IDLE), region

    def _cheapest(self, prices: list, region: int, available: list) -> int:
        run = min(self.ticks_up / self.ends, self.config["work"])
        cost = [price * run + (self.config["move_usd"] if r != region else 0.0) for r, price in enumerate(prices)]
        return min((r for r in range(len(prices)) if available[r]), key=cost.__getitem__)
