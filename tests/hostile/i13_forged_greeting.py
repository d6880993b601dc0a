# expect: tampered
# attack: sends a second greeting
import os
import struct

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    os.write(4, struct.pack("<HBBIQI", 0x4B45, 1, 16, 0, 0, 0))
    return 0.0
