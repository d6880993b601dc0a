# expect: scored
# attack: returns a view of its input
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return inputs[0]
