# expect: timed_out
# attack: treats exhaustion as a reason to try again
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    while True:
        try:
            return float(np.ones(50 << 27).sum())
        except MemoryError:
            continue
