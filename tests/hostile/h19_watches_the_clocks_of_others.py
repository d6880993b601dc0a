# expect: scored
# attack: reads how much CPU time the harness has used, by which two children can talk
import contextlib
import os
import time

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    read = 0
    for process in (os.getppid(), int(context["worker"])):
        for ask in (time.clock_gettime, time.clock_getres):
            with contextlib.suppress(OSError):
                read += ask((~process << 3) | 2) >= 0
    return float(read)
