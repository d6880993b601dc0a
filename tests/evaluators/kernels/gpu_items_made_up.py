"""Items for the tests of the GPU script: what a worker may meet, without a GPU."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from benchmarks.gpu_scale import Scale


def adds(scale: Scale, left: str, right: str) -> dict[str, Any]:
    return {"sum": int(left) + int(right), "dry": scale.dry, "process": os.getpid()}


def raises(scale: Scale) -> dict[str, Any]:
    raise RuntimeError("an illegal memory access was encountered")


def dies(scale: Scale) -> dict[str, Any]:
    os._exit(9)


def tells_and_never_ends(scale: Scale, path: str) -> dict[str, Any]:
    Path(path).write_text(str(os.getpid()))
    return never_ends(scale)


def never_ends(scale: Scale) -> dict[str, Any]:
    threading.Event().wait()
    return {}


def one_task(what: str) -> str:
    """Does what it is told."""
    if what == "hang":
        threading.Event().wait()
    if what == "die":
        os._exit(9)
    return what
