# expect: timed_out
# attack: never returns to the interpreter, so no Python signal handler runs
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float(sum(iter(int, 1)))
