# expect: invalid
# task: circle_packing
# attack: returns finite numbers whose difference is none, to break the text that says why they are wrong
import numpy as np


def pack(circles: int, seed: int) -> np.ndarray:
    return np.tile([-1.7e308, 0.5, 1.7e308], (circles, 1))
