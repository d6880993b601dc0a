# expect: out_of_memory
# attack: asks for far more than it may have
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float(np.ones(50 << 27).sum())
