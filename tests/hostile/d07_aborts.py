# expect: crashed
# attack: dumps core
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    os.abort()
