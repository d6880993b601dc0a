# expect: invalid
# attack: makes every number look finite
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    np.isfinite = lambda value: np.ones_like(value, bool)
    return float("nan")
