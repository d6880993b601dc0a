# expect: scored
# attack: leaves a note in the flags of its standard input, for the next child if that has the same open file
import fcntl
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    flags = fcntl.fcntl(0, fcntl.F_GETFL)
    fcntl.fcntl(0, fcntl.F_SETFL, flags | os.O_APPEND)
    return float(bool(flags & os.O_APPEND))
