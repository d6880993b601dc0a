# expect: scored
# attack: remembers earlier instances, which say nothing on later ones
# task: toy
# at most: half
import numpy as np

SEEN: dict[bytes, float] = {}


def guess(hints: np.ndarray) -> float:
    known = SEEN.get(hints.tobytes())
    SEEN[hints.tobytes()] = 0.5
    return 0.5 if known is None else np.nan
