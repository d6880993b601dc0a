# expect: scored
# attack: replaces the modules and built-ins that a scorer would use
import builtins
import json
import sys

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    builtins.sum = builtins.abs = builtins.max = lambda *_: 0
    json.dumps = json.loads = lambda *_: {"outcome": "scored", "objective": 1.0}
    sys.modules["__main__"] = sys.modules["evaluators.scoring"] = sys.modules["json"]
    return 0.0
