# expect: scored
# attack: looks in every caller's variables for the answer; sees only its own request
import sys

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    frame, names = sys._getframe(), set()
    while frame is not None:
        names |= {name for name in frame.f_locals if isinstance(name, str)}
        frame = frame.f_back
    return float(
        bool(names & {"answer_key", "expected", "secret", "secrets", "seed", "seeds", "point", "bound", "workload"})
    )
