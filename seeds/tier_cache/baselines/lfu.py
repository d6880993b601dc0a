"""Least frequently used, on demand: what was needed most often since the start stays; the history breaks ties.

Source: classic.
"""

import numpy as np


class Policy:
    """The task's interface: `decide` when a layer's router has chosen."""

    def __init__(self, config: dict) -> None:
        history = config["history"].sum(axis=0)
        self.count = (0.5 * history / max(1, history.max())).astype(np.float32)

    def decide(self, event: dict) -> dict:
        """Uses so far."""
        self.count[event["layer"]] += event["tokens"] > 0
        return {"keep": self.count}
