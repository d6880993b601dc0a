# expect: out_of_memory
# attack: takes memory little by little
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    kept = []
    while True:
        kept.append(bytes(1 << 20))
