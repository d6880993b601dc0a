# expect: invalid
# attack: returns work to be done when somebody looks
import numpy as np


class Promise:
    def __getattr__(self, name: str) -> object:
        if name.startswith("__array"):
            raise AttributeError(name)
        return lambda *_: 0.0


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return Promise()
