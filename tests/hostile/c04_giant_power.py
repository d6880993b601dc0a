# expect: timed_out,out_of_memory
# attack: an integer that takes hours to compute
import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    return float(len(bin(9 ** (9**9))))
