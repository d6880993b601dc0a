# expect: scored
# attack: calls a service on the internet
import urllib.request

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    try:
        urllib.request.urlopen("http://169.254.169.254/", timeout=1)
    except OSError:
        return 0.0
    return 1.0
