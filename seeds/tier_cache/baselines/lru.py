"""Least recently used, on demand: what was needed last stays longest, and nothing is loaded ahead.

Source: classic; the cache of Mixtral offloading (Eliseev and Mazur, "Fast Inference of Mixture-of-Experts Language
Models with Offloading", 2023), which keeps one such cache per layer; here one serves all layers.
"""

import numpy as np


class Policy:
    """The task's interface: `decide` when a layer's router has chosen."""

    def __init__(self, config: dict) -> None:
        self.layers = config["layers"]
        self.last = np.full((config["layers"], config["experts"]), -1.0, dtype=np.float32)

    def decide(self, event: dict) -> dict:
        """The number of the event that needed an object last is what it is kept for."""
        layer = event["layer"]
        self.last[layer, event["tokens"] > 0] = event["step"] * self.layers + layer
        return {"keep": self.last}
