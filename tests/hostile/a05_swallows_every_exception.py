# expect: timed_out
# attack: cannot be interrupted by an exception
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001 - the attack
            continue
