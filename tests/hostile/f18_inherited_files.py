# expect: scored
# attack: looks for files that the harness left open
import contextlib
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    for fd in range(5, 1024):
        with contextlib.suppress(OSError):
            os.fstat(fd)
            return 1.0
    return 0.0
