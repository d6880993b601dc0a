# expect: scored
# attack: leaves a note in a library's inode (flags, generation, hint of its lifetime), which needs no right to write
import ctypes
import fcntl
import os
import struct

import numpy as np

LIBC = ctypes.CDLL(None)
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS = 0x80086601, 0x40086602
FS_IOC_GETVERSION, FS_IOC_SETVERSION = 0x80087601, 0x40087602
F_SET_RW_HINT, F_SET_FILE_RW_HINT = 1036, 1038


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    fd = os.open(os.__file__, os.O_RDONLY)
    written = 0
    for read, write in ((FS_IOC_GETFLAGS, FS_IOC_SETFLAGS), (FS_IOC_GETVERSION, FS_IOC_SETVERSION)):
        value = ctypes.create_string_buffer(8)
        known = LIBC.ioctl(fd, ctypes.c_ulong(read), value) == 0
        written += known and LIBC.ioctl(fd, ctypes.c_ulong(write), value) == 0  # as it was
    for command in (F_SET_RW_HINT, F_SET_FILE_RW_HINT):
        try:
            fcntl.fcntl(fd, command, struct.pack("Q", 0))
            written += 1
        except OSError:
            continue
    return float(written)
