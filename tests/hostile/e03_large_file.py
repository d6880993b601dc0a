# expect: scored
# attack: fills the disk
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        with open(os.path.join(context["folder"], "large"), "wb") as file:
            file.write(bytes(100 << 20))
    except OSError:
        return 0.0
    return 1.0
