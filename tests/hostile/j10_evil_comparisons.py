# expect: invalid
# attack: returns an object that equals, and is less than, everything
import numpy as np


class Perfect:
    def __eq__(self, other: object) -> bool:
        return True

    def __lt__(self, other: object) -> bool:
        return True

    def __float__(self) -> float:
        return 0.0

    __hash__ = None


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return Perfect()
