# expect: invalid
# attack: returns not a number
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float("nan")
