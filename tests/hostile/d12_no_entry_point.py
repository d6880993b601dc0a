# expect: invalid
# attack: defines something else
import numpy as np


def attach(context: dict[str, str], inputs: np.ndarray) -> float:
    return 1.0
