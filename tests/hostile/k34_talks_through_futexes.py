# expect: scored
# attack: waits and wakes at a word of a library's file, which a child beside it has in memory as well
import ctypes
import errno
import mmap
import os
import platform

import numpy as np

LIBC = ctypes.CDLL(None, use_errno=True)
FUTEX = {"x86_64": 202, "aarch64": 98}[platform.machine()]
WAIT, WAKE = 0, 1


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    with open(os.__file__, "rb") as file:
        pages = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
    word = ctypes.c_void_p(np.frombuffer(pages, np.uint8).ctypes.data)
    heard = 0
    for what in (WAKE, WAIT):  # 0 is not what stands there, so nobody waits
        found = LIBC.syscall(ctypes.c_long(FUTEX), word, what, ctypes.c_uint(0), ctypes.c_void_p())
        heard += found >= 0 or ctypes.get_errno() != errno.EPERM
    return float(heard)
