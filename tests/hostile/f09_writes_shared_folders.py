# expect: scored
# attack: leaves a note for the next candidate
import contextlib
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    for folder in ("/dev/shm", "/tmp", "/var/tmp", "/run", context["folder"]):
        with contextlib.suppress(OSError), open(os.path.join(folder, "evenkeel-note"), "w", encoding="ascii"):
            return 1.0
    return 0.0
