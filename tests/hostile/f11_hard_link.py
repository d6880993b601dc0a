# expect: scored
# attack: keeps a file under another name
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        os.link(context["secret"], os.path.join(context["folder"], "other"))
    except OSError:
        return 0.0
    return 1.0
