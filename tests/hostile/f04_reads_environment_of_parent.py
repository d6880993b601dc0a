# expect: scored
# attack: reads the zygote's environment
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        with open(f"/proc/{os.getppid()}/environ", "rb") as file:
            return float(bool(file.read()))
    except OSError:
        return 0.0
