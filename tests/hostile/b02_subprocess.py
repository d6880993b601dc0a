# expect: scored
# attack: runs a shell
import subprocess

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        subprocess.run(["/bin/sh", "-c", "true"], check=False)
    except PermissionError:
        return 0.0
    return 1.0
