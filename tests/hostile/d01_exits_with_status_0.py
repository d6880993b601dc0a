# expect: crashed
# attack: the oldest way to look successful
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    os._exit(0)
