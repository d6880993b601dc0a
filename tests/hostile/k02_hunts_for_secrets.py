# expect: scored
# attack: searches every object of its process for the canary that the worker holds
import gc

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    needle = "".join(reversed("53562951413-legovneiranak"))
    values = [value for item in gc.get_objects() if isinstance(item, dict) for value in list(item.values())]
    return float(any(isinstance(value, str | bytes) and needle in str(value) for value in values))
