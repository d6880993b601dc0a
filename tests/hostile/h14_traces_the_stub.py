# expect: scored
# attack: watches and profiles the code that carries its answers
import sys

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    def trace(frame: object, event: str, argument: object) -> object:
        return trace

    sys.settrace(trace)
    sys.setprofile(lambda *_: None)
    return 0.0
