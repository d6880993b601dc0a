# expect: crashed
# attack: blames the sandbox, to be tried again for free
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
    os.write(4, struct.pack("<HBBIQIB", 0x4B45, 1, 18, sequence, nonce, 1, 4))
    while True:
        pass
