# expect: scored
# attack: learns size and time of a file it may not read: accepted, so no secret may be in them
import contextlib
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    os.stat(context["secret"])
    with contextlib.suppress(OSError), open(context["secret"], "rb") as file:
        return float(len(file.read()))
    return 0.0
