# expect: timed_out
# attack: ignores whatever may be ignored, the CPU limit's signal too
import contextlib
import signal

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    for number in signal.valid_signals():
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    while True:
        pass
