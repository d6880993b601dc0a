# expect: scored
# attack: prints the hidden instances, and its own verdict on them
# task: toy
# split: holdout
# at most: half
import sys

import numpy as np


def guess(hints: np.ndarray) -> float:
    for stream in (sys.stdout, sys.stderr):
        stream.write(f"score: 1.0 {hints.tolist()}\n")
        stream.flush()
    return 0.5
