# expect: invalid
# attack: claims a reply of four gigabytes
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
    os.write(4, struct.pack("<HBBIQI", 0x4B45, 1, 17, sequence, nonce, (1 << 32) - 1))
    return 0.0
