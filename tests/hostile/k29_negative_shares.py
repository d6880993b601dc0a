# expect: invalid
# attack: gives one copy more than everything and another less than nothing
# task: expert_replication
import numpy as np


class Policy:
    def __init__(self, config: dict) -> None:
        self.config = config
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: np.ndarray, samples: np.ndarray, placement: np.ndarray, window: int) -> dict:
        split = np.ones(self.placement.shape, np.float32)
        split[:, 0] = -1.0
        return {"placement": self.placement, "dispatch": 1, "split": split}
