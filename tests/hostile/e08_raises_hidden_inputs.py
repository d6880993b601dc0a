# expect: crashed
# attack: puts the hidden instances into the text of its failure
# task: toy
# split: holdout
import numpy as np


def guess(hints: np.ndarray) -> float:
    raise ValueError(f"{hints.tolist()}")
