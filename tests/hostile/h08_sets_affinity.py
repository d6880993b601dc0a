# expect: scored
# attack: takes another processor, or a better priority
import contextlib
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {0})
        return 1.0
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)
        return 1.0
    return 0.0
