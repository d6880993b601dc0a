# expect: scored
# attack: kills every process it may
import os
import signal

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        os.kill(-1, signal.SIGKILL)
    except PermissionError:
        return 0.0
    return 1.0
