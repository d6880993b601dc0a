# expect: scored
# attack: has a timer send it SIGKILL, so that its death looks like the machine's fault and it is tried again
import ctypes
import platform
import signal
import struct

import numpy as np

TIMER_CREATE, SET_MEMPOLICY = {"x86_64": (222, 238), "aarch64": (107, 237)}[platform.machine()]


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    libc = ctypes.CDLL(None)
    made = 0
    for number in (signal.SIGKILL, 40):
        event = struct.pack("@qii", 0, number, 0).ljust(64, b"\0")
        made += libc.syscall(ctypes.c_long(TIMER_CREATE), ctypes.c_long(0), event, ctypes.byref(ctypes.c_int())) == 0
    made += libc.syscall(ctypes.c_long(SET_MEMPOLICY), ctypes.c_long(0), None, ctypes.c_long(0)) == 0
    return float(made)
