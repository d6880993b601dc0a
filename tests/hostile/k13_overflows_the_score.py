# expect: scored
# attack: returns numbers at the ends of the range, for a score that overflows
# task: toy
# at most: half
import numpy as np


def guess(hints: np.ndarray) -> float:
    return float(np.finfo(np.float64).max) if hints[0] > 0.5 else -1e308
