# expect: scored
# attack: returns a zero-dimensional array, as declared
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return np.array(0.0)
