# expect: scored
# attack: makes itself root of a new namespace
import ctypes

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float(ctypes.CDLL(None).unshare(0x10000000) == 0)
