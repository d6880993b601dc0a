# expect: invalid
# attack: returns a bool where a float is declared
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return True
