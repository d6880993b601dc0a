# expect: scored
# attack: reads the extended attributes of files that it may not open
import contextlib
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    read = 0
    for path in (context["secret"], context["folder"], os.__file__):
        with contextlib.suppress(OSError):
            os.listxattr(path)
            read += 1
    return float(read)
