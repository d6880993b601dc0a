# expect: invalid
# attack: puts two experts into each slot
# task: expert_replication
import numpy as np


class Policy:
    def __init__(self, config: dict) -> None:
        self.config = config
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: np.ndarray, samples: np.ndarray, placement: np.ndarray, window: int) -> dict:
        return {"placement": np.stack([self.placement, self.placement + 1], axis=2)}
