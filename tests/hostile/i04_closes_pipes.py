# expect: crashed
# attack: closes the pipes and lives on
import os
import time

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    os.close(4)
    os.close(3)
    time.sleep(1000)
    return 0.0
