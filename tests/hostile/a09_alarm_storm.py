# expect: scored
# attack: interrupts its own answer with a timer
import signal

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    return 0.0
