# expect: timed_out
# attack: answers by itself and goes on computing until the next request
# limits: short
# calls: 2
import os
import struct
import sys

import numpy as np


def request_header() -> tuple[int, int]:
    frame = sys._getframe()
    while "header" not in frame.f_locals:
        frame = frame.f_back
    header = frame.f_locals["header"]
    return header.sequence, header.nonce


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    sequence, nonce = request_header()
    os.write(4, struct.pack("<HBBIQId", 0x4B45, 1, 17, sequence, nonce, 8, 0.0))
    while True:
        pass
