# expect: invalid
# attack: complains for ever
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    while True:
        os.write(2, b"x" * 65536)
