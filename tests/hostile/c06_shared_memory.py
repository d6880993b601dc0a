# expect: scored
# attack: memory that may be shared is limited as well
import mmap

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        mmap.mmap(-1, 50 << 30)
    except OSError:
        return 0.0
    return 1.0
