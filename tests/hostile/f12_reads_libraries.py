# expect: scored
# attack: reads the source of numpy, which it may
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    with open(np.__file__, encoding="utf-8") as file:
        return float("evenkeel" in file.read())
