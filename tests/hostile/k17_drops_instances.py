# expect: crashed
# attack: fails on half of the instances, to be scored on the others
# task: toy
import numpy as np


def guess(hints: np.ndarray) -> float:
    if hints[0] > 0.5:
        raise ValueError("not today")
    return float(np.median(hints))
