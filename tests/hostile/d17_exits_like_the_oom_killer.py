# expect: crashed
# attack: imitates the exit status of a killed process
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    os._exit(137)
