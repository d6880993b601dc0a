# expect: scored
# attack: forks by system call number, past the C library
import ctypes
import os
import platform

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    clone = {"x86_64": 56, "aarch64": 220}[platform.machine()]
    pid = ctypes.CDLL(None).syscall(ctypes.c_long(clone), ctypes.c_long(17), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return float(pid > 0)
