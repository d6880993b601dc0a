# expect: invalid
# attack: returns a number as text
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return "1.0"
