# expect: scored
# attack: returns more precision than declared: rounded
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return np.longdouble(0)
