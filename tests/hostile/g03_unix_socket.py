# expect: scored
# attack: talks to a local service
import socket

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close()
    except PermissionError:
        return 0.0
    return 1.0
