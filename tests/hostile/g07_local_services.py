# expect: scored
# attack: talks to the container engine and the key agent
import contextlib
import os
import socket

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    for path in (
        "/var/run/docker.sock",
        "/run/containerd/containerd.sock",
        os.environ.get("SSH_AUTH_SOCK", "/run/ssh"),
    ):
        with contextlib.suppress(OSError):
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(path)
            return 1.0
    return 0.0
