# expect: out_of_memory
# attack: keeps a little more of each of thousands of calls
# calls: 3000
import numpy as np

KEPT = []


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    KEPT.append(bytes(1 << 18))
    return 0.0
