# expect: timed_out
# attack: begins an answer and stalls
import os
import time

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    os.write(4, b"EK\x01")
    time.sleep(1000)
    return 0.0
