# expect: tampered
# attack: writes a frame without knowing the request's number
import os
import struct

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    os.write(4, struct.pack("<HBBIQI", 0x4B45, 1, 17, 2, 0, 8) + bytes(8))
    return 0.0
