# expect: crashed
# attack: writes into the array it was given
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    inputs[0] = 1.0
    return 0.0
