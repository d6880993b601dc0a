"""On a machine without torch the task can be listed, configured and described; a run says what to install."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from evaluators.balancing.moe_loss.task import PROBLEM, TASK
from evaluators.contract import ContractError, Split, Tier
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.errors import SandboxError
from evaluators.seeding import SeedSource

HAS_TORCH = importlib.util.find_spec("torch") is not None


def test_the_task_is_loaded_and_configured_without_importing_torch() -> None:
    program = (
        "import sys; from evaluators.registry import problem; "
        "problem('moe_loss').configured({'experts': '32', 'gate': 'sigmoid'}); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.skipif(HAS_TORCH, reason="torch is installed here")
def test_a_run_says_what_to_install() -> None:
    with pytest.raises(SandboxError, match=r"No module named 'torch'; `pip install 'evenkeel\[torch\]'` brings it"):
        Sandbox.start(TASK.libraries)
    with pytest.raises(ContractError, match="install it with"):
        PROBLEM.instances(Tier.SMOKE, Split.SEARCH, SeedSource("secret", Split.SEARCH))


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"top_k": 9}, "top_k: expected at most half of the 16 experts, found 9"),
        ({"width": 50}, "width: expected a multiple of 4, found 50"),
        ({"micro_batches": 5}, "micro_batches: expected a divisor of 16, found 5"),
        ({"experts": 34}, "experts: expected at most 16, or a multiple of a number from 8 to 16, .* found 34"),
        ({"gate": "hash"}, "gate: expected one of softmax, sigmoid"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, int | str], line: str) -> None:
    with pytest.raises(ContractError, match=line):
        PROBLEM.configured(settings)
