# expect: crashed
# attack: an exception whose text cannot be made
import numpy as np


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise SystemExit(0)


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    raise UnprintableError
