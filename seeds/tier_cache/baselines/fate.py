"""The next layer's router is asked one layer early, and what it names is loaded ahead; shallow layers stay rather.

Source: after Fate (Fang et al., "Fate: Fast Edge Inference of Mixture-of-Experts Models via Cross-Layer Gate", 2025):
the hint of the task stands for its cross-layer gate. Its cache favours shallow layers, whose experts are predicted
worst, and replaces by ARC; here recency, in turns of an expert's own layer as in a cache of its own, with a bonus for
what was used twice stands for that, and low-bit loading is left out. The two bonuses were chosen on search.
"""

import numpy as np

BEYOND = 1.25  # of the predicted top_k, how many are loaded
AGAIN_STEPS = 2.0  # a second use counts as so many steps of recency
SHALLOW_STEPS = 0.5  # the first layer counts as so many steps of recency


class Policy:
    """The task's interface: `decide` when a layer's router has chosen."""

    def __init__(self, config: dict) -> None:
        self.layers, self.experts, self.most = config["layers"], config["experts"], config["most_ahead"]
        self.top = min(self.experts, int(np.ceil(BEYOND * config["top_k"] * config["tokens"])))
        self.last = np.full((self.layers, self.experts), -50.0, dtype=np.float32)
        self.uses = np.zeros((self.layers, self.experts), dtype=np.float32)
        depth = np.arange(self.layers, dtype=np.float32)[:, None] / self.layers
        self.shallow = SHALLOW_STEPS * (1 - depth)

    def decide(self, event: dict) -> dict:
        """Keep by recency and the bonuses; ahead, what the hint names."""
        layer, needed = event["layer"], event["tokens"] > 0
        self.last[layer, needed] = event["step"]
        self.uses[layer, needed] += 1
        turn_to_come = np.arange(self.layers)[:, None] > layer  # in this step, so their last use is a turn nearer
        keep = self.last + turn_to_come + AGAIN_STEPS * (self.uses > 1) + self.shallow
        ahead = np.full(self.most, -1, dtype=np.int64)
        hint = event["hint"]
        if hint.any():
            following = layer + 1
            likely = np.argsort(-hint, kind="stable")[: self.top]
            keep[following, likely] = event["step"] + 100.0
            likely = likely[~event["resident"][following, likely]][: self.most]
            ahead[: len(likely)] = following * self.experts + likely
        return {"keep": keep, "ahead": ahead}
