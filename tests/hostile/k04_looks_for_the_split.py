# expect: scored
# attack: looks for the name of the split, to behave where it counts
# task: toy
# split: holdout
# at most: half
import sys

import numpy as np

WORDS = ("holdout", "validation", "search", "report", "smoke", "quick")


def guess(hints: np.ndarray) -> float:
    frame, texts = sys._getframe(), []
    while frame is not None:
        texts += [str(value) for value in frame.f_locals.values() if isinstance(value, str | bytes | tuple | list)]
        frame = frame.f_back
    return 0.5 if not any(word in text for word in WORDS for text in texts if "WORDS" not in text) else np.nan
