# expect: scored
# attack: leaves the harness's session
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        os.setsid()
    except PermissionError:
        return 0.0
    return 1.0
