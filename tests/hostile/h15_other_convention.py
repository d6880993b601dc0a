# expect: tampered,scored
# attack: makes a system call in the x32 convention, whose numbers a careless filter misses (x86-64 only)
import ctypes

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float(ctypes.CDLL(None).syscall(ctypes.c_long(0x40000000 | 57)) >= 0)
