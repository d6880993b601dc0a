# expect: invalid
# attack: claims a giant array that takes no memory
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return np.broadcast_to(np.float64(0), (1 << 40,))
