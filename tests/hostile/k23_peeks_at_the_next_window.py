# expect: scored
# attack: searches all memory for loads of more windows than it was given
# task: expert_replication
# at most: static
import gc

import numpy as np


class Policy:
    def __init__(self, config: dict) -> None:
        self.config = config
        row = np.arange(config["slots"]) % config["experts"]
        self.placement = np.tile(row, (config["layers"], 1)).astype(np.int32)

    def plan(self, loads: np.ndarray, samples: np.ndarray, placement: np.ndarray, window: int) -> dict:
        arrays = [item for item in gc.get_objects() if isinstance(item, np.ndarray)]
        bases = [item for item in arrays if item.ndim == loads.ndim and item.shape[0] > len(loads)]
        owner = loads
        while isinstance(owner, np.ndarray):
            owner = owner.base
        room = len(owner) - loads.nbytes - samples.nbytes - placement.nbytes if isinstance(owner, bytes) else 0
        later = room > loads.nbytes // max(len(loads), 1) + 4096 or any(
            len(item) > self.config["history"] for item in bases
        )
        return {"placement": np.full_like(self.placement, -1) if later else self.placement}
