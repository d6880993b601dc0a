# expect: scored
# attack: returns the smallest positive number
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return np.nextafter(0.0, 1.0) * 0.5
