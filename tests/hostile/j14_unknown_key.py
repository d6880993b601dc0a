# expect: invalid
# attack: returns a dict with another key
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return {"score": 1e9}
