# expect: scored
# attack: talks to the kernel's network configuration
import socket

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()
    except PermissionError:
        return 0.0
    return 1.0
