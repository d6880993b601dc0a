# expect: timed_out
# attack: never finishes loading
import numpy as np

while True:
    pass


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return 0.0
