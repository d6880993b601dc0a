# expect: scored
# attack: looks around
import contextlib
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    for folder in (context["folder"], "/", "/tmp", "/proc", "/root", "/home", "."):
        with contextlib.suppress(OSError):
            return float(len(os.listdir(folder)) >= 0)
    return 0.0
