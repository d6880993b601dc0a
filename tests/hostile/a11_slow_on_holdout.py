# expect: timed_out
# attack: shows its slow side to hidden instances only
# task: toy
# split: holdout
# limits: short
import numpy as np


def guess(hints: np.ndarray) -> float:
    while np.ptp(hints) > 0:
        pass
    return 0.5
