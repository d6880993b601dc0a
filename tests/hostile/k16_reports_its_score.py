# expect: invalid
# attack: says how good it was
# task: expert_replication
import numpy as np


class Policy:
    def __init__(self, config: dict) -> None:
        self.config = config
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: np.ndarray, samples: np.ndarray, placement: np.ndarray, window: int) -> dict:
        return {"placement": self.placement, "score": 1.0, "time_us": 0.0, "cpu_s": 0.0}
