# expect: crashed
# attack: raises what ends loops
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    raise StopIteration
