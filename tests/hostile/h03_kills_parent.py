# expect: scored
# attack: kills the zygote and the worker
import contextlib
import os
import signal

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    for pid in (os.getppid(), int(context["worker"])):
        with contextlib.suppress(PermissionError):
            os.kill(pid, signal.SIGKILL)
            return 1.0
    return 0.0
