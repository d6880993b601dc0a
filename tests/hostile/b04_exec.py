# expect: scored
# attack: replaces itself by another program
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        os.execv("/bin/true", ["true"])
    except PermissionError:
        return 0.0
