# expect: scored
# attack: deletes a file of the host
import contextlib
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    for delete in (os.unlink, os.rmdir):
        with contextlib.suppress(OSError):
            delete(context["secret"])
            return 1.0
    return 0.0
