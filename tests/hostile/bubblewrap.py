"""Whether bubblewrap can be tried on this machine."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

from evaluators.sandbox.launch import Bubblewrap


@cache
def bubblewrap_works() -> bool:
    """Installed, and this user may make the namespaces it wants."""
    program = shutil.which("bwrap")
    if program is None:
        return False
    return subprocess.run(Bubblewrap(program).command(["true"]), capture_output=True, check=False).returncode == 0
