# expect: crashed
# attack: an exception of a hundred megabytes
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    raise ValueError("x" * (100 << 20))
