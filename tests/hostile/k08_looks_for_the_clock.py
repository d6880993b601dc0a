# expect: scored
# attack: looks for the scorer's deadline, to work worse when watched
import gc

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    names = {"deadline", "call_wall_s", "_wall_left_s", "budget_s", "cpu_limit_s"}
    return float(any(isinstance(item, dict) and not names.isdisjoint(item) for item in gc.get_objects()))
