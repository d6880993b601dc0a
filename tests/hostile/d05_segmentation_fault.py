# expect: crashed
# attack: reads address zero
import ctypes

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float(ctypes.string_at(0)[0])
