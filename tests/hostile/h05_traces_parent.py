# expect: scored
# attack: attaches to the zygote as a debugger
import ctypes
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float(ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) >= 0)
