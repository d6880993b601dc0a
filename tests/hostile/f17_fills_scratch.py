# expect: scored
# attack: fills the temporary folders, so that the next candidate fails
import contextlib
import tempfile

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    written = 0
    for folder in (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm", context["folder"]):
        with contextlib.suppress(OSError), open(f"{folder}/evenkeel-fill", "xb") as file:
            written += file.write(bytes(1 << 20))
    return float(written)
