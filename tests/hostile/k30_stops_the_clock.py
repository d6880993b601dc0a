# expect: scored
# attack: makes its own planning look instant; its time is read from outside
# task: expert_replication
# at most: static
import resource
import time

import numpy as np


class Policy:
    def __init__(self, config: dict) -> None:
        self.config = config
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: np.ndarray, samples: np.ndarray, placement: np.ndarray, window: int) -> dict:
        time.process_time = time.perf_counter = time.monotonic = time.time = lambda: 0.0
        resource.getrusage = lambda *_: resource.struct_rusage((0,) * 16)
        return {"placement": self.placement}
