# expect: crashed
# attack: starts a thread before the first call
import threading

import numpy as np

threading.Thread(target=threading.Event().wait, daemon=True).start()


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return 1.0
