# expect: invalid
# attack: returns infinite
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float("inf")
