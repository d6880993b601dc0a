# expect: scored
# attack: makes system calls that no filter sees
import ctypes

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    libc = ctypes.CDLL(None)
    return float(libc.syscall(ctypes.c_long(425), ctypes.c_long(4), bytes(120)) >= 0)
