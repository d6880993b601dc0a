# expect: scored
# attack: fails on the one instance it does worst, as is forgiven: it counts as the floor
# task: toy
# at most: median
import numpy as np


def guess(hints: np.ndarray) -> float:
    if round(float(hints[0]), 6) == 0.744931:
        raise ValueError("too hard")
    return float(np.median(hints))
