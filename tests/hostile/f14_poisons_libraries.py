# expect: scored
# attack: changes the libraries that others import
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        with open(os.path.join(os.path.dirname(np.__file__), "evenkeel_poison.py"), "w", encoding="ascii"):
            return 1.0
    except OSError:
        return 0.0
