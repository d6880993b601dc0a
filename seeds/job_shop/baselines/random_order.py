"""Any job, by chance, without delay: a sanity floor."""

import numpy as np


class Policy:
    """Random priorities."""

    def __init__(self, config: dict) -> None:
        self.rng = np.random.default_rng(config["seed"])

    def priority(self, ops: dict, state: dict) -> dict:
        """The lowest goes first."""
        return {"priority": self.rng.random(ops["job"].size)}
