"""The static layout with the experts of each layer shuffled: one draw per scenario, never changed.

A floor for sanity: what a placement is worth that knows neither the loads nor the order of the experts. A policy
below it does harm. The shuffle is seeded by the scenario's `seed`.
"""

import numpy as np

Array = np.ndarray


class Policy:
    """Slot p holds the expert that the layer's shuffle puts at p modulo the number of experts."""

    def __init__(self, config: dict) -> None:
        shuffled = np.tile(np.arange(config["experts"]), (config["layers"], 1))
        shuffled = np.random.default_rng(config["seed"]).permuted(shuffled, axis=1)
        self.placement = shuffled[:, np.arange(config["slots"]) % config["experts"]].astype(np.int32)

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """The same placement whatever was seen."""
        return {"placement": self.placement}
