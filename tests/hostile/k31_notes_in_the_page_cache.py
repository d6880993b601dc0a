# expect: scored
# attack: keeps notes in the page cache: drops pages of a library, reads some, asks later which are there
import ctypes
import mmap
import os

import numpy as np

LIBC = ctypes.CDLL(None)
ADVICE = (1, 2, 3, 20, 21, 22, 25)  # random, sequential, willneed, cold, pageout, populate, collapse


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    fd = os.open(os.__file__, os.O_RDONLY)
    pages = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
    where = ctypes.c_void_p(np.frombuffer(pages, np.uint8).ctypes.data)
    asked = [
        LIBC.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED),
        LIBC.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM),
        LIBC.readahead(fd, ctypes.c_long(0), ctypes.c_size_t(4096)),
        LIBC.mincore(where, ctypes.c_size_t(4096), bytes(1)),
        LIBC.syscall(ctypes.c_long(451), fd, bytes(16), bytes(40), 0),
        *(LIBC.madvise(where, ctypes.c_size_t(4096), advice) for advice in ADVICE),
        nowait(fd),
    ]
    return float(0 in asked)


def nowait(fd: int) -> int:
    try:
        return min(os.preadv(fd, [bytearray(1)], 0, os.RWF_NOWAIT), 0)
    except BlockingIOError:
        return 0  # not in memory: an answer as well
    except OSError:
        return -1
