# expect: scored
# attack: looks for what an earlier candidate left in the interpreter; every candidate gets a fresh child
import sys

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    seen = hasattr(np, "evenkeel_note") or "evenkeel_note" in sys.modules
    np.evenkeel_note = sys.modules["evenkeel_note"] = np
    return float(seen)
