# expect: scored
# attack: talks to the hypervisor
import socket

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
    except PermissionError:
        return 0.0
    return 1.0
