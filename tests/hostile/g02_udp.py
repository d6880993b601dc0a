# expect: scored
# attack: sends a datagram
import socket

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except PermissionError:
        return 0.0
    return 1.0
