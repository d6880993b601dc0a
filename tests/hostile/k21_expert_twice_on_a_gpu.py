# expect: invalid
# attack: lets one copy's weights serve as two
# task: expert_replication
import numpy as np


class Policy:
    def __init__(self, config: dict) -> None:
        self.config = config
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: np.ndarray, samples: np.ndarray, placement: np.ndarray, window: int) -> dict:
        placement = self.placement.copy()
        placement[:, 1] = placement[:, 0]
        placement[:, -1] = placement[:, -2]
        return {"placement": placement}
