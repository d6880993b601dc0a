"""How many layers ahead are loaded adapts: more while layers wait, fewer while what was loaded goes unused.

Source: after ExpertFlow (2025, arXiv 2510.26730), which predicts routing paths and adapts the horizon of its
prefetching to bandwidth and to waits; its predictor is not public, so decayed counts and the next layer's hint stand
for it. What is shown of the future is not looked at, and its cache-aware routing, which changes what the model
computes, is left out.
"""

import numpy as np

HALF_LIFE_STEPS = 2.0
LEAST = 0.4  # likelihood above which something is loaded ahead


class Policy:
    """The task's interface: `decide` when a layer's router has chosen."""

    def __init__(self, config: dict) -> None:
        self.layers, self.experts, self.most = config["layers"], config["experts"], config["most_ahead"]
        self.decay = np.float32(0.5 ** (1 / HALF_LIFE_STEPS))
        self.choices = config["top_k"] * config["tokens"]
        self.trust = np.float32(config["hint_accuracy"])
        self.rate = np.minimum(1.0, config["history"].mean(axis=0) / 24).astype(np.float32)
        self.horizon = 1.0
        self.asked = np.zeros((self.layers, self.experts), dtype=bool)

    def decide(self, event: dict) -> dict:
        """Keep by likelihood, near layers first; ahead, the likely ones within the horizon."""
        layer, needed, resident = event["layer"], event["tokens"] > 0, event["resident"]
        waits = np.count_nonzero(needed & ~resident[layer])
        unused = np.count_nonzero(self.asked[layer] & resident[layer] & ~needed)
        self.horizon = float(np.clip(self.horizon + 0.2 * waits - 0.3 * unused, 1, self.layers - 1 or 1))
        self.asked[layer] = False
        row = self.rate[layer]
        row *= self.decay
        row += (1 - self.decay) * needed
        likely = self.rate.copy()
        if event["hint"].any():
            told = np.minimum(1.0, event["hint"] * self.choices)
            likely[layer + 1] = (1 - self.trust) * likely[layer + 1] + self.trust * told
        distance = ((np.arange(self.layers) - layer - 1) % self.layers).astype(np.float32)
        keep = likely * (1 - 0.3 * distance / self.layers)[:, None]
        wanted = np.where(resident | (likely < LEAST) | (distance >= int(self.horizon))[:, None], 0.0, keep)
        order = np.argsort(-wanted, axis=None)[: self.most]
        order = order[wanted.reshape(-1)[order] > 0]
        self.asked.reshape(-1)[order] = True
        ahead = np.full(self.most, -1, dtype=np.int64)
        ahead[: len(order)] = order
        return {"keep": keep, "ahead": ahead}
