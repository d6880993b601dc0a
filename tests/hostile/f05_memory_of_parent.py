# expect: scored
# attack: reads the zygote's memory as a file
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        with open(f"/proc/{os.getppid()}/mem", "rb") as file:
            return float(bool(file))
    except OSError:
        return 0.0
