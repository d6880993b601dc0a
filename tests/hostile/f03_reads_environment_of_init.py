# expect: scored
# attack: reads the first process's environment
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        with open("/proc/1/environ", "rb") as file:
            return float(bool(file.read()))
    except OSError:
        return 0.0
