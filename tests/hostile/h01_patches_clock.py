# expect: scored
# attack: makes time stand still for whoever measures in here
import time

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    time.time = time.monotonic = time.perf_counter = lambda: 0.0
    return 0.0
