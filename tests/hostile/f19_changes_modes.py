# expect: scored
# attack: opens files to everyone, which Landlock does not govern
import contextlib
import os

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    changes = (
        lambda path: os.chmod(path, 0o777),
        lambda path: os.chown(path, 1, 1),
        lambda path: os.utime(path, (0, 0)),
    )
    for change in (*changes, lambda path: os.setxattr(path, "user.note", b"x"), lambda path: os.truncate(path, 0)):
        with contextlib.suppress(OSError):
            change(context["secret"])
            return 1.0
    return 0.0
