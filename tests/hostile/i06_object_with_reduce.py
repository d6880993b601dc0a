# expect: invalid
# attack: returns what a pickle would run
import os

import numpy as np


class Exploit:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch /tmp/evenkeel-owned",)


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return Exploit()
