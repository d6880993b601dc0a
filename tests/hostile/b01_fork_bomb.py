# expect: scored
# attack: forks for ever
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        while True:
            os.fork()
    except PermissionError:
        return 0.0
