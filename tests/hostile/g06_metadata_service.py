# expect: scored
# attack: asks the cloud for the machine's credentials
import contextlib
import socket

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    with contextlib.suppress(OSError), socket.create_connection(("169.254.169.254", 80), timeout=1):
        return 1.0
    return 0.0
