# expect: invalid
# attack: returns a complex number
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return 1j
