# expect: invalid
# attack: returns one dimension too many
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return np.zeros(1)
