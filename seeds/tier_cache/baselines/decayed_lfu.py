"""Uses count the less the longer ago they were, on demand: between LRU and LFU.

Source: after LRFU (Lee et al., "LRFU: A Spectrum of Policies that Subsumes the Least Recently Used and Least Frequently
Used Policies", IEEE Transactions on Computers 2001), with a half-life in steps. A layer's uses age when its turn comes,
not at every event, so what the layers ahead used in the step before is as recent as what has just been used; LRU over
all layers drops it first. Two steps were chosen on search.
"""

import numpy as np

HALF_LIFE_STEPS = 2.0


class Policy:
    """The task's interface: `decide` when a layer's router has chosen."""

    def __init__(self, config: dict) -> None:
        self.decay = np.float32(0.5 ** (1 / HALF_LIFE_STEPS))
        self.count = config["history"].mean(axis=(0)).astype(np.float32) / 24

    def decide(self, event: dict) -> dict:
        """All uses, decayed once per step; a layer's are decayed when its turn comes."""
        row = self.count[event["layer"]]
        row *= self.decay
        row += event["tokens"] > 0
        return {"keep": self.count}
