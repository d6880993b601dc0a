# expect: scored
# attack: lifts its own limits
import contextlib
import resource

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(which, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            return 1.0
    return 0.0
