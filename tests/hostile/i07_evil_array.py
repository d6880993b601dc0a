# expect: crashed
# attack: raises when it is read
import numpy as np


class Evil:
    def __array__(self, *args: object, **kwargs: object) -> np.ndarray:
        raise SystemExit(0)


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return Evil()
