# expect: scored
# attack: installs its own system-call filter
import ctypes

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float(ctypes.CDLL(None).syscall(ctypes.c_long(317), ctypes.c_long(2), 0, bytes(8)) >= 0)
