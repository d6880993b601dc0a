# expect: tampered
# attack: replaces the stub's function that sends answers
import sys

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    stub = sys.modules["evaluators.sandbox.child"]
    original = stub.write_all
    stub.write_all = lambda fd, data: original(fd, data + data)
    return 0.0
