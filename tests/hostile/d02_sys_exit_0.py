# expect: crashed
# attack: leaves politely
import sys

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    sys.exit(0)
