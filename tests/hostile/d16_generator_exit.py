# expect: crashed
# attack: raises what closes generators
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    raise GeneratorExit
