# expect: scored
# attack: returns an array that changes whenever it is read: it is read once
# task: expert_replication
# at most: static
import numpy as np


class TwoFaced(np.ndarray):
    @property
    def shape(self) -> tuple[int, ...]:
        return (1 << 40,)


class Policy:
    def __init__(self, config: dict) -> None:
        self.config = config
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: np.ndarray, samples: np.ndarray, placement: np.ndarray, window: int) -> dict:
        return {"placement": self.placement.view(TwoFaced)}
