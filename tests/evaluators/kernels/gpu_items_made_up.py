"""Items for the tests of the GPU script: what a worker may meet, without a GPU."""

from __future__ import annotations

import os
import threading
from typing import Any

from benchmarks.gpu_scale import Scale


def adds(scale: Scale, left: str, right: str) -> dict[str, Any]:
    return {"sum": int(left) + int(right), "dry": scale.dry, "process": os.getpid()}


def raises(scale: Scale) -> dict[str, Any]:
    raise RuntimeError("an illegal memory access was encountered")


def dies(scale: Scale) -> dict[str, Any]:
    os._exit(9)


def never_ends(scale: Scale) -> dict[str, Any]:
    threading.Event().wait()
    return {}
