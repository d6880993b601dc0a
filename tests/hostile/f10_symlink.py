# expect: scored
# attack: reaches a file by another name
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        os.symlink(context["secret"], os.path.join(context["folder"], "other"))
    except OSError:
        return 0.0
    return 1.0
