# expect: scored
# attack: copies memory out of the zygote
import ctypes
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    place = (ctypes.c_size_t * 2)(4096, 8)
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
    libc = ctypes.CDLL(None, use_errno=True)
    return float(libc.process_vm_readv(os.getppid(), place, one, place, one, none) >= 0 or ctypes.get_errno() == 14)
