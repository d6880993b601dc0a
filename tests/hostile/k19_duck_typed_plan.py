# expect: invalid
# attack: returns an object that answers every index with what is best
# task: expert_replication
import numpy as np


class Everywhere(list):
    def __getitem__(self, index: object) -> object:
        return self

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> object:
        return iter([slice(None)])


class Policy:
    def __init__(self, config: dict) -> None:
        self.config = config
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: np.ndarray, samples: np.ndarray, placement: np.ndarray, window: int) -> dict:
        return {"placement": Everywhere()}
