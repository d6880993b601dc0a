"""Decayed use counts decide what stays; the next layer's highest that are missing are loaded ahead.

Source: ours; the simplest prefetch that needs neither hints nor a look ahead, as in the speculative loading of layers'
popular experts that several offloading systems start from.
"""

import numpy as np

HALF_LIFE_STEPS = 2.0


class Policy:
    """The task's interface: `decide` when a layer's router has chosen."""

    def __init__(self, config: dict) -> None:
        self.layers, self.experts = config["layers"], config["experts"]
        self.most = min(config["most_ahead"], config["experts"])
        self.top = min(config["experts"], config["top_k"] * config["tokens"])
        self.decay = np.float32(0.5 ** (1 / HALF_LIFE_STEPS))
        self.count = config["history"].mean(axis=0).astype(np.float32) / 24

    def decide(self, event: dict) -> dict:
        """Keep by count; ahead, the next layer's highest counts."""
        layer = event["layer"]
        row = self.count[layer]
        row *= self.decay
        row += event["tokens"] > 0
        following = (layer + 1) % self.layers
        likely = np.argsort(-self.count[following], kind="stable")[: self.top]
        likely = likely[~event["resident"][following, likely]][: self.most]
        ahead = np.full(16, -1, dtype=np.int64)
        ahead[: len(likely)] = following * self.experts + likely
        return {"keep": self.count, "ahead": ahead}
