"""The profile of a device: measured end to end in Triton's interpreter, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evaluators.kernels import profiles
from evaluators.placement.expert_replication.task import PROBLEM

pytest.importorskip("triton", reason="a profile is measured with Triton kernels", exc_type=ImportError)

MEASURE = """
import sys
from pathlib import Path
import torch
from evaluators.kernels.ceilings import CeilingSizes
from evaluators.kernels.cost_curve import CurveSettings, write_profile
from evaluators.kernels.shapes import LayerShape
from evaluators.kernels.timing import Effort
settings = CurveSettings(
    shape=LayerShape(tokens=32, width=32, experts=4, top_k=2, expert_width=48, dtype="float32"),
    knots=(1, 8, 40),
    beside=2,
    batches=(16,),
    ceilings=CeilingSizes(copied_bytes=1 << 16, matrix_width=64, dtype=torch.float32),
    effort=Effort(warmups=1, launches=1, calibrations=1),
)
write_profile(settings, torch.device("cpu"), Path(sys.argv[1]))
"""


def test_what_is_measured_is_a_profile_that_a_task_takes(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", MEASURE, str(path)], env=environment, check=True, timeout=200)
    profile = profiles.read(str(path))
    assert profile.tokens == (1, 8, 40)
    assert profile.expert == profiles.ExpertSize(width=32, expert_width=48, dtype="float32")
    assert profile.layer is not None
    assert profile.layer.tokens_per_expert == 16
    problem = PROBLEM.configured({"profile": str(path)})
    assert problem.task.identity != PROBLEM.task.identity


def test_without_a_gpu_nothing_is_measured(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    path = tmp_path / "measured.json"
    command = [sys.executable, "-m", "evaluators.kernels.cost_curve", "--out", str(path)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert found.returncode == 1
    assert found.stderr == "error: measuring needs a CUDA GPU, and torch sees none on this machine\n"
    assert not path.exists()
