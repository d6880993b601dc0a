# expect: invalid
# attack: returns Python objects in an array
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return np.array(object(), dtype=object)
