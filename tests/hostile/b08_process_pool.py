# expect: scored
# attack: asks the standard library for workers
import multiprocessing

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.map(abs, [1])
    except (OSError, ImportError):
        return 0.0
    return 1.0
