# expect: invalid
# attack: returns two megabytes where eight bytes are declared
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return np.zeros(1 << 18)
