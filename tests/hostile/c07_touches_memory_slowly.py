# expect: out_of_memory,timed_out
# attack: fills what its address space allows page by page, then stays
# limits: short
import contextlib
import time

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    kept = []
    with contextlib.suppress(MemoryError):
        while True:
            kept.append(bytearray(b"x") * (1 << 18))
    kept.pop()
    while True:
        time.sleep(1)
