# expect: scored
# attack: takes shares that fall short by as much as is forgiven: they are made to sum to one
# task: expert_replication
# at most: static
import numpy as np


class Policy:
    def __init__(self, config: dict) -> None:
        self.config = config
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: np.ndarray, samples: np.ndarray, placement: np.ndarray, window: int) -> dict:
        copies = np.array([np.bincount(row, minlength=self.config["experts"])[row] for row in self.placement])
        return {"placement": self.placement, "dispatch": 1, "split": (0.9991 / copies).astype(np.float32)}
