# expect: crashed
# attack: stops in the debugger
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    breakpoint()
    return 0.0
