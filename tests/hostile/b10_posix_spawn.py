# expect: scored
# attack: starts a program through posix_spawn
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        os.posix_spawn("/bin/true", ["true"], {})
    except PermissionError:
        return 0.0
    return 1.0
