# expect: scored
# attack: reads a file that every user may read
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        with open(context["secret"], encoding="ascii") as file:
            return float(bool(file.read()))
    except OSError:
        return 0.0
