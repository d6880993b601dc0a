# expect: scored
# attack: removes a whole tree
import shutil

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    shutil.rmtree(context["folder"], ignore_errors=True)
    return 0.0
