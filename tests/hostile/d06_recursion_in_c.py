# expect: crashed,timed_out,out_of_memory
# attack: recurses without the interpreter's limit
import sys

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    sys.setrecursionlimit(1 << 30)
    return attack(context, inputs)
