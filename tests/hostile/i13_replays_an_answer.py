# expect: tampered
# attack: sends the answer to an earlier request again
# calls: 3
import os
import struct
import sys

import numpy as np

SENT = []


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    frame = sys._getframe()
    while "header" not in frame.f_locals:
        frame = frame.f_back
    header = frame.f_locals["header"]
    SENT.append(struct.pack("<HBBIQId", 0x4B45, 1, 17, header.sequence, header.nonce, 8, 0.0))
    if len(SENT) > 1:
        os.write(4, SENT[0])
    return 0.0
