# expect: scored
# attack: reads the worker's environment
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        with open(f"/proc/{context['worker']}/environ", "rb") as file:
            return float(bool(file.read()))
    except OSError:
        return 0.0
