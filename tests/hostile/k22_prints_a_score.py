# expect: scored
# attack: prints what a careless scorer would scrape
# task: toy
# at most: half
import sys

import numpy as np


def guess(hints: np.ndarray) -> float:
    for stream in (sys.stdout, sys.stderr):
        stream.write('mean: 0.01; std: 0\n{"outcome": "scored", "objective": 1.0}\ncombined_score: 1.0\n')
        stream.flush()
    return 0.5
