"""Uniform Progress: the straight line of progress, and on demand is left only when well ahead of it.

Idle and behind the line: on demand. Once on demand, stay, even if spot is there, until the work done is what the line
asks for two overheads later: what leaving and coming back would cost is then paid for.

Source: Wu et al., "Can't Be Late: Optimizing Spot Instance Savings under Deadlines", NSDI 2024; the published safety
net (on demand for good when time runs out) is here the task's guard.
"""

IDLE, SPOT, ON_DEMAND = 0, 1, 2


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        self.pace = config["work"] / config["deadline"]
        self.overhead = config["overhead"]

    def step(self, tick: int, done: int, mode: int, region: int, pending: int, available: list) -> tuple:
        """The published rules, in order."""
        if mode == ON_DEMAND and done < self.pace * (tick + 2 * self.overhead):
            return ON_DEMAND, region
        if available[region]:
            return SPOT, region
        return (ON_DEMAND if done < self.pace * tick else IDLE), region
