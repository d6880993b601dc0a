"""Shortest makespan first: of 10 random transactions that wait, the one with which the makespan grows least goes next.

Source: SMF, Cheng et al., "Towards Optimal Transaction Scheduling", VLDB 2024, as described there in words: a sample of
five to ten per step. Without its classifier of hot keys, which saves work where the costs of operations are not known.
"""

import numpy as np

SAMPLE = 10


class Policy:
    """The task's interface."""

    def __init__(self, config: dict) -> None:
        self.rng = np.random.default_rng(config["seed"])

    def order(self, batch: dict) -> np.ndarray:
        """The greedy order over samples."""
        lengths, delays = batch["lengths"], batch["delays"]
        ready, end = batch["ready"].copy(), batch["makespan"]
        left, chosen = np.arange(len(lengths)), []
        while len(left):
            sample = self.rng.choice(left, min(SAMPLE, len(left)), replace=False)
            ends = ready[sample] + lengths[sample]
            row = int(sample[ends.argmin()])
            end = max(end, int(ends.min()))
            np.maximum(ready, ready[row] + delays[row], out=ready)
            chosen.append(row)
            left = left[left != row]
        return np.array(chosen)
