# expect: timed_out
# attack: a pattern that needs exponential time
import re

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float(bool(re.match(r"(a+)+$", "a" * 64 + "b")))
