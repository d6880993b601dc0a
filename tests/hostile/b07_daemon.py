# expect: scored
# attack: forks twice into a new session, to survive its own death
import os
import time

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
    except PermissionError:
        return 0.0
    return 1.0
