# expect: invalid
# attack: returns nothing
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return None
