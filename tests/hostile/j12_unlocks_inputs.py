# expect: crashed
# attack: makes the array it was given writable
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    inputs.flags.writeable = True
    inputs[0] = 1.0
    return 0.0
