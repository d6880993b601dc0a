# expect: scored
# attack: fills the kernel's memory, which no limit counts, with Landlock rules of its own
import ctypes
import struct

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    ruleset = ctypes.CDLL(None).syscall(
        ctypes.c_long(444), struct.pack("QQ", 0, 3), ctypes.c_long(16), ctypes.c_long(0)
    )
    return float(ruleset >= 0)
