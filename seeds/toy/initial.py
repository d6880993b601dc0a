"""Guess from the first hint only: something to improve."""

import numpy as np

# EVOLVE-BLOCK-START
WEIGHT = 0.8
CENTRE = 0.5


def guess(hints):
    """The hidden point, pulled a little towards the middle."""
    estimate = hints[0]
    return WEIGHT * estimate + (1 - WEIGHT) * CENTRE


# EVOLVE-BLOCK-END
