"""Where kernels run in tests: Triton's interpreter on a machine without a GPU, the GPU itself, marked `gpu`, elsewhere.

Triton asks for TRITON_INTERPRET when it is imported. pytest reads this file when it collects the folder, before it runs
any test, so that setting it here is early enough as long as no test module imports triton while it is collected:
`test_triton_was_not_imported_before_the_interpreter_was_asked_for` holds that.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

_HAS_GPU = Path("/dev/nvidiactl").exists()  # asked without torch, whose import takes seconds
_TRITON_CAME_FIRST = "triton" in sys.modules
if not _HAS_GPU:
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(scope="session")
def triton_came_first() -> bool:
    return _TRITON_CAME_FIRST


@pytest.fixture
def interpreter() -> None:
    if os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("this machine has a GPU, where Triton compiles; set TRITON_INTERPRET=1 to interpret here")


@pytest.fixture
def gpu() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
