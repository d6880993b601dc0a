# expect: invalid
# attack: returns several values where one is declared
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return (1.0, 2.0)
