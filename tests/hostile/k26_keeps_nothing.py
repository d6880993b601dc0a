# expect: scored
# attack: fills kept layers with nonsense
# task: expert_replication
# at most: static
import numpy as np


class Policy:
    def __init__(self, config: dict) -> None:
        self.config = config
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: np.ndarray, samples: np.ndarray, placement: np.ndarray, window: int) -> dict:
        keep = np.ones(self.config["layers"], bool)
        return {"placement": np.full_like(self.placement, 2**31 - 1), "keep": keep}
