# expect: scored
# attack: starts a thread that outlives the call
import threading

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    except RuntimeError:
        return 0.0
    return 1.0
