# expect: crashed
# attack: recurses for ever
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return attack(context, inputs)
