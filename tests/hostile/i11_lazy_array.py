# expect: scored
# attack: returns an array that would compute when it is read: read once, in the child
import numpy as np


class Lazy(np.ndarray):
    def __array_finalize__(self, other: object) -> None:
        self.calls = 0

    def __array_ufunc__(self, *arguments: object, **options: object) -> object:
        return np.nan

    def __array_function__(self, *arguments: object, **options: object) -> object:
        return np.nan


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return {"value": np.zeros(()).view(Lazy)}
