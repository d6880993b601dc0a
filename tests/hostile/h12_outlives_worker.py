# expect: scored
# attack: cancels the signal that ends it with its worker
import ctypes

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float(ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0)
