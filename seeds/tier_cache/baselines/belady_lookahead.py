"""As far as the future is shown: evict what is needed last, load ahead what is needed first; else decayed counts.

Source: Belady, "A study of replacement algorithms for a virtual-storage computer" (1966), on the routing that
pre-gating makes known early (Hwang et al., "Pre-gated MoE", ISCA 2024; Cai et al., "Read-ME", NeurIPS 2024).
"""

import numpy as np

HALF_LIFE_STEPS = 2.0


class Policy:
    """The task's interface: `decide` when a layer's router has chosen."""

    def __init__(self, config: dict) -> None:
        self.layers, self.experts, self.most = config["layers"], config["experts"], config["most_ahead"]
        self.decay = np.float32(0.5 ** (1 / HALF_LIFE_STEPS))
        self.count = config["history"].mean(axis=0).astype(np.float32) / 24

    def decide(self, event: dict) -> dict:
        """What is shown comes before all that is not, soonest first."""
        layer, future = event["layer"], event["future"]
        row = self.count[layer]
        row *= self.decay
        row += event["tokens"] > 0
        keep = self.count.copy()
        when, experts = np.nonzero(future)
        objects = (layer + 1 + when) % self.layers * self.experts + experts
        soonest, first = np.unique(objects, return_index=True)
        keep.reshape(-1)[soonest] = 1000.0 - when[first]
        missing = ~event["resident"].reshape(-1)[soonest]
        order = soonest[missing][np.argsort(first[missing])][: self.most]
        ahead = np.full(self.most, -1, dtype=np.int64)
        ahead[: len(order)] = order
        return {"keep": keep, "ahead": ahead}
