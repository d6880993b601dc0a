# expect: scored
# attack: has the kernel send SIGIO to the worker
import contextlib
import fcntl

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    for command in (fcntl.F_SETOWN, fcntl.F_SETSIG, 15):
        with contextlib.suppress(PermissionError):
            fcntl.fcntl(4, command, int(context["worker"]))
            return 1.0
    return 0.0
