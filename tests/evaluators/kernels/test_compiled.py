"""The kernels at their real size compile for a Hopper GPU: no spills, within its shared memory, on its matrix units.

In a process of its own: Triton is an interpreter in this one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the kernels need torch, which is not installed here")
pytest.importorskip("triton", reason="the kernels need triton, which is not installed here")

from evaluators.kernels.compiled import MOST_SHARED_BYTES

PRODUCTS = {"router_kernel", "gate_up_kernel", "rows_times_weights_kernel", "weight_gradient_kernel"}
OTHERS = {"count_kernel", "scan_kernel", "place_kernel", "tile_map_kernel", "permute_kernel", "combine_kernel",
          "swiglu_backward_kernel"}  # fmt: skip


def python(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment |= {"TRITON_CACHE_DIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)


def compiled_at_real_size(arguments: list[str], folder: Path) -> list[dict[str, Any]]:
    done = python([str(Path(__file__).with_name("compile_at_real_size.py")), *arguments], folder)
    assert done.returncode == 0, done.stderr
    kernels: list[dict[str, Any]] = json.loads(done.stdout)
    return kernels


@pytest.mark.slow
def test_layer_compiles_for_hopper_without_one(tmp_path: Path) -> None:
    kernels = compiled_at_real_size(["1024"], tmp_path)
    assert {kernel["kernel"] for kernel in kernels} == PRODUCTS | OTHERS
    for kernel in kernels:
        assert kernel["spilled_bytes"] == 0, kernel
        assert not kernel["serialized"], kernel
        assert kernel["shared_bytes"] <= MOST_SHARED_BYTES, kernel
        assert (kernel["matrix_instructions"] > 0) == (kernel["kernel"] in PRODUCTS), kernel


@pytest.mark.slow
def test_what_a_search_tries_with_the_copy_engine_fits_too(tmp_path: Path) -> None:
    """Also at a width that is no multiple of 256."""
    kernels = compiled_at_real_size(["1408", "tma"], tmp_path)
    assert {kernel["kernel"] for kernel in kernels} == PRODUCTS - {"router_kernel"}
    for kernel in kernels:
        assert kernel["spilled_bytes"] == 0, kernel
        assert not kernel["serialized"], kernel
        assert kernel["shared_bytes"] <= MOST_SHARED_BYTES, kernel


def test_kernels_on_a_cpu_without_the_interpreter_say_what_they_need(tmp_path: Path) -> None:
    code = """
import torch
from evaluators.kernels.combine import combine
combine(torch.ones(2, 16), torch.zeros(2, 1, dtype=torch.int32))
"""
    done = python(["-c", code], tmp_path)
    assert done.returncode == 1
    assert "set TRITON_INTERPRET=1 before Python starts" in done.stderr
