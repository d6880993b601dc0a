# expect: scored
# attack: SIGSTOP to itself, to be forgotten in a stopped state
import contextlib
import os
import signal

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    with contextlib.suppress(PermissionError):
        os.kill(os.getpid(), signal.SIGSTOP)
        return 1.0
    return 0.0
