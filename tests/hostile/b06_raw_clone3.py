# expect: scored
# attack: forks by the newest system call
import ctypes
import os
import struct

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    arguments = struct.pack("<8Q", 0, 0, 0, 0, 17, 0, 0, 0)
    pid = ctypes.CDLL(None).syscall(ctypes.c_long(435), arguments, ctypes.c_long(len(arguments)))
    if pid == 0:
        os._exit(0)
    return float(pid > 0)
