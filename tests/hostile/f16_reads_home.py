# expect: scored
# attack: looks for credentials
import contextlib
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    for home in ("/root", os.path.dirname(context["home"]), context["home"]):
        for name in (".ssh/id_rsa", ".aws/credentials", ".netrc", ".bashrc", ".profile"):
            with contextlib.suppress(OSError), open(os.path.join(home, name), "rb"):
                return 1.0
    return 0.0
