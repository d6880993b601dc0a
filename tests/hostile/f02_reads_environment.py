# expect: scored
# attack: looks for keys in its environment
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float(any("EVENKEEL" in key or "KEY" in key or "HOSTILE" in key for key in os.environ))
