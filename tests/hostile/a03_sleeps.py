# expect: timed_out
# attack: waits without using the processor
import time

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    time.sleep(1000)
    return 0.0
