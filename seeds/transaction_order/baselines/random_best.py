"""The best of twenty random orders.

Source: the first baseline of Cheng et al., "Towards Optimal Transaction Scheduling", VLDB 2024 (arbitrary orders); that
the best of several is taken is ours.
"""

import numpy as np

ORDERS = 20


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        self.rng = np.random.default_rng(config["seed"])

    def order(self, batch: dict) -> np.ndarray:
        """The random order with the least makespan."""
        orders = [self.rng.permutation(len(batch["lengths"])) for _ in range(ORDERS)]
        return min(orders, key=lambda order: makespan(batch, order))


def makespan(batch: dict, order: np.ndarray) -> int:
    """Slots in use once the rows are admitted in this order."""
    ready, end = batch["ready"].copy(), batch["makespan"]
    for row in order:
        start = ready[row]
        end = max(end, start + batch["lengths"][row])
        np.maximum(ready, start + batch["delays"][row], out=ready)
    return int(end)
