# expect: scored
# attack: imports the task, its seeds and the scorer
import contextlib
import importlib

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    found = 0
    for name in (
        "evaluators.scoring",
        "evaluators.toy",
        "evaluators.seeding",
        "evaluators.registry",
        "seeds",
        "evolve",
    ):
        with contextlib.suppress(ImportError, OSError):
            importlib.import_module(name)
            found += 1
    return float(found)
