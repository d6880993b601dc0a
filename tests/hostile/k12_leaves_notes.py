# expect: scored
# attack: writes down what it saw, for its children in a later stage
import contextlib
import os
import tempfile

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    folders = (tempfile.gettempdir(), ".", "/tmp", "/var/tmp", "/dev/shm", "/run", context["folder"], context["home"])
    left = 0
    for folder in folders:
        with contextlib.suppress(OSError):
            left += os.open(f"{folder}/evenkeel-note", os.O_CREAT | os.O_RDWR) > 0
        with contextlib.suppress(OSError):
            left += os.open(folder, os.O_TMPFILE | os.O_RDWR) > 0
    return float(left)
