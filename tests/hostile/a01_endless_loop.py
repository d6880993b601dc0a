# expect: timed_out
# attack: never answers
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    while True:
        pass
