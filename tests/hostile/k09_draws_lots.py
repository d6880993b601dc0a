# expect: scored
# attack: asks the machine for luck: it gets it, and new seeds for its claims
import os
import random

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return 0.0 * int.from_bytes(os.urandom(2), "little") + 0.0 * random.SystemRandom().random()
