# expect: crashed
# attack: imitates the user
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    raise KeyboardInterrupt
