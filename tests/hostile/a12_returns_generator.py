# expect: invalid
# attack: returns work to be done later
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return (float(i) for i in range(3))
