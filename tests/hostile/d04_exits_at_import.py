# expect: crashed
# attack: leaves before the first call
import os

import numpy as np

os._exit(0)


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return 1.0
