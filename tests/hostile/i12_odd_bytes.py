# expect: scored
# attack: returns minus zero in the other byte order: taken by value
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return np.array(-0.0, dtype=">f8")
