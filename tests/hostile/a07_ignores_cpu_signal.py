# expect: timed_out
# attack: burns its CPU time and ignores the signal that says so
# limits: cpu
import signal

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass
