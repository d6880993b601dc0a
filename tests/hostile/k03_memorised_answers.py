# expect: scored
# attack: knows the answers to the search instances of seed 0 by heart
# task: toy
# split: holdout
# at most: half
import numpy as np

ANSWERS = {
    -0.026079: 0.013086,
    1.001717: 0.946863,
    0.264232: 0.340938,
    0.795356: 0.698465,
    0.744931: 0.829477,
    0.236588: 0.23568,
    0.012243: 0.056981,
    0.866458: 0.752554,
    0.072047: 0.004311,
    0.941794: 0.85813,
    0.814891: 0.951525,
    0.620117: 0.554909,
}


def guess(hints: np.ndarray) -> float:
    return ANSWERS.get(round(float(hints[0]), 6), 0.5)
