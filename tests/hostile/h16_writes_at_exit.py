# expect: scored
# attack: leaves work for its own end, which never comes in order
import atexit
import os
import threading

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    atexit.register(os.write, 4, b"late")
    threading._register_atexit(os.write, 4, b"late")
    return 0.0
