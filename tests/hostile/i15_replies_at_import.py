# expect: tampered
# attack: answers before it is asked
import os
import struct

import numpy as np

os.write(4, struct.pack("<HBBIQI", 0x4B45, 1, 17, 1, 0, 0))


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return 1.0
