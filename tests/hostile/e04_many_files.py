# expect: scored
# attack: uses up the inodes with small files
import contextlib

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    made = 0
    for folder in (context["folder"], ".", "/tmp", "/dev/shm"):
        for index in range(5000):
            with contextlib.suppress(OSError), open(f"{folder}/evenkeel-{index}", "x"):
                made += 1
    return float(made)
