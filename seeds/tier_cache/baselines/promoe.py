"""Which experts follow which is learnt from layer to layer, and the likely ones are loaded ahead.

Source: after ProMoE (Song et al., "ProMoE: Fast MoE-based LLM Serving using Proactive Caching", 2024), whose learned
predictors read hidden states; here, where none are shown, counts of pairs stand for them. What stays is a decayed
count.
"""

import numpy as np

HALF_LIFE_STEPS = 2.0
MARGIN = 0.4  # by which an expert must follow another more often than it is used at all, for that to count
LEAST = 0.6  # likelihood above which something is loaded ahead


class Policy:
    """The task's interface: `decide` when a layer's router has chosen."""

    def __init__(self, config: dict) -> None:
        self.layers, self.experts, self.most = config["layers"], config["experts"], config["most_ahead"]
        self.decay = np.float32(0.5 ** (1 / HALF_LIFE_STEPS))
        history = config["history"].astype(np.float32)
        self.rate = np.minimum(1.0, history.mean(axis=0) / 24)
        self.pairs = np.zeros((self.layers, self.experts, self.experts), dtype=np.float32)
        self.seen = np.full((self.layers, self.experts), 2.0, dtype=np.float32)  # two turns before ties count
        self.before = None

    def decide(self, event: dict) -> dict:
        """Keep by rate, the next layer's by what the pairs say too; ahead, the likely ones of the next layer."""
        layer, chosen = event["layer"], np.flatnonzero(event["tokens"])
        row = self.rate[layer]
        row *= self.decay
        row[chosen] += 1 - self.decay
        if self.before is not None:
            self.pairs[layer][np.ix_(self.before, chosen)] += 1
            self.seen[layer, self.before] += 1
        self.before = chosen
        keep = self.rate.copy()
        following = (layer + 1) % self.layers
        after = self.pairs[following][chosen] / self.seen[following][chosen][:, None]
        rate = keep[following]
        odds = np.maximum(after - rate, 0.0).max(axis=0)  # the strongest tie beyond the expert's own rate
        keep[following] = np.where(odds > MARGIN, np.minimum(1.0, rate + odds), rate)
        likely = np.argsort(-keep[following], kind="stable")
        likely = likely[(keep[following, likely] > LEAST) & ~event["resident"][following, likely]][: self.most]
        ahead = np.full(self.most, -1, dtype=np.int64)
        ahead[: len(likely)] = following * self.experts + likely
        return {"keep": keep, "ahead": ahead}
