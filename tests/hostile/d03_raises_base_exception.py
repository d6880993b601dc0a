# expect: crashed
# attack: an exception that `except Exception` does not catch
import numpy as np


class Unusual(BaseException):
    pass


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    raise Unusual
