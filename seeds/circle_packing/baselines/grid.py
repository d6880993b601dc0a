"""Equal circles in the smallest square grid that holds them: the weak baseline, textbook."""

import math

import numpy as np


def pack(circles, seed):
    """Row by row; cells beyond the last circle stay empty."""
    side = math.ceil(math.sqrt(circles))
    row, column = np.divmod(np.arange(circles), side)
    radius = 0.5 / side * (1 - 1e-12)
    return np.column_stack([(column + 0.5) / side, (row + 0.5) / side, np.full(circles, radius)])
