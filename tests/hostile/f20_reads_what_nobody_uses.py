# expect: scored
# attack: opens large files of the installation that no program needs, whose pages could hold its notes
import contextlib
import os
import sysconfig

import numpy as np


def attack(context: dict[str, str], inputs: np.ndarray) -> float:
    standard, library = sysconfig.get_path("stdlib"), os.path.dirname(np.__file__)
    paths = [f"{sysconfig.get_config_var('LIBPL')}/{sysconfig.get_config_var('LIBRARY')}"]
    paths += [f"{folder}/__init__.py" for folder in (f"{standard}/test", f"{standard}/ensurepip", f"{library}/tests")]
    opened = 0
    for path in paths:
        with contextlib.suppress(OSError):
            opened += os.open(path, os.O_RDONLY) > 0
    return float(opened)
