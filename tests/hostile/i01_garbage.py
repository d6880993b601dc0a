# expect: tampered
# attack: writes anything into the reply pipe
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    os.write(4, b"\x00" * 64)
    return 0.0
