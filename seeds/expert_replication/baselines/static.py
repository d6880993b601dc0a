"""Experts in order over the slots, the redundant slots from the first expert on again; never changed.

The weak baseline: it sees no loads. It is the layout that vLLM starts from before its first rebalancing
(github.com/vllm-project/vllm, expert-parallel load balancing).
"""

import numpy as np

Array = np.ndarray


class Policy:
    """One placement for all windows: slot p holds expert p modulo the number of experts."""

    def __init__(self, config: dict) -> None:
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """The same placement whatever was seen; a GPU's slots are consecutive experts, so none is on it twice."""
        return {"placement": self.placement}
