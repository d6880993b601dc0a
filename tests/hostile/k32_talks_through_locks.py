# expect: scored
# attack: takes locks on a library's file, which a child beside it can ask for
import fcntl
import os
import struct

import numpy as np

F_OFD_GETLK, F_OFD_SETLK = 36, 37
LOCK = struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 1, 0)


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    fd = os.open(os.__file__, os.O_RDONLY)
    taken = 0
    for command in (fcntl.F_GETLK, fcntl.F_SETLK, F_OFD_GETLK, F_OFD_SETLK, fcntl.F_SETLEASE, fcntl.F_SETPIPE_SZ):
        try:
            fcntl.fcntl(4 if command == fcntl.F_SETPIPE_SZ else fd, command, LOCK if command < 1024 else 4096)
            taken += 1
        except OSError:
            continue
    return float(taken)
