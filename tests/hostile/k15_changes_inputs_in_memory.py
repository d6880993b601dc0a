# expect: scored
# attack: rewrites loads and configuration where they lie: only its own copies
# task: expert_replication
# at most: static
import ctypes

import numpy as np


class Policy:
    def __init__(self, config: dict) -> None:
        self.config = config
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: np.ndarray, samples: np.ndarray, placement: np.ndarray, window: int) -> dict:
        ctypes.memset(loads.ctypes.data, 0, loads.nbytes)
        ctypes.memset(samples.ctypes.data, 0, samples.nbytes)
        self.config.update(tokens=1, fixed_us=0.0, expert_bytes=0)
        return {"placement": self.placement}
