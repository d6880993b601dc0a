"""The task as a user meets it: its stages, settings, splits, and the way from times to a score."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from evaluators.contract import ContractError, Split, Tier
from evaluators.kernels.moe_kernel.stages import STAGES, inputs, outputs
from evaluators.kernels.moe_kernel.suite import HOLDOUT_REGIMES, SEARCH_REGIMES, cases
from evaluators.kernels.moe_kernel.task import PROBLEM
from evaluators.kernels.shapes import Stage
from evaluators.seeding import SeedSource, secret_from_seed


@pytest.mark.parametrize("stage", STAGES)
def test_a_program_is_told_of_every_buffer_of_its_stage(stage: Stage) -> None:
    task = PROBLEM.configured({"stage": stage.value}).task
    shape = SEARCH_REGIMES[0].target
    for buffer in (*inputs(stage, shape), *outputs(stage, shape)):
        assert f"{buffer.name} (" in task.entry_points[0].description


def test_the_holdout_has_other_sizes_and_the_search_and_validation_the_same() -> None:
    searched, hidden = ({r.target for r in regimes} for regimes in (SEARCH_REGIMES, HOLDOUT_REGIMES))
    assert not searched & hidden
    assert cases(Tier.QUICK, Split.SEARCH) == cases(Tier.QUICK, Split.VALIDATION)
    assert all(len(cases(tier, split)) >= 12 for tier in list(Tier)[1:] for split in Split)


def test_seeds_decide_the_inputs_and_instances_are_named_alike() -> None:
    pytest.importorskip("torch", reason="moe_kernel needs torch")
    pytest.importorskip("triton", reason="moe_kernel needs triton")
    problem = PROBLEM.configured({"timing": "off"})
    first, again, other = (
        problem.instances(Tier.QUICK, Split.SEARCH, SeedSource(secret_from_seed(seed), Split.SEARCH))
        for seed in (0, 0, 1)
    )
    assert first == again
    assert [one.name for one in first] == [one.name for one in other]
    assert len({one.seed for one in (*first, *other)}) == 24  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "settings",
    [
        {"stage": "schedule"},
        {"experts": 4, "top_k": 8},
        {"width": 100},
        {"expert_width": 1000},
        {"tokens": 1 << 18, "top_k": 64, "width": 1 << 15},
        {"dtype": "float64"},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, str | int]) -> None:
    with pytest.raises(ContractError):
        PROBLEM.configured(settings)


def test_settings_of_other_layers_are_other_tasks() -> None:
    identities = {
        PROBLEM.configured(settings).task.identity
        for settings in ({}, {"stage": "permute"}, {"experts": 128}, {"timing": "off"}, {"dtype": "float16"})
    }
    assert len(identities) == 5


def test_the_score_is_0_at_the_naive_time_1_at_the_floor_and_never_below_minus_1() -> None:
    pytest.importorskip("torch", reason="scenarios are made beside the reference")
    from evaluators.kernels.moe_kernel.scenario import score

    assert score(300e-6, 300e-6, 100e-6) == 0.0
    assert score(100e-6, 300e-6, 100e-6) == pytest.approx(1.0)
    assert score(200e-6, 300e-6, 100e-6) == pytest.approx(0.5)
    assert score(1.0, 300e-6, 100e-6) == -1.0
    assert score(100e-6, 100e-6, 100e-6) == 0.0


def test_our_own_programs_can_be_played_without_the_sandbox_and_the_task_read_without_torch() -> None:
    pytest.importorskip("triton", reason="moe_kernel needs triton")
    script = (
        "import sys; sys.modules['torch'] = sys.modules['triton'] = None\n"
        "from evaluators.kernels.moe_kernel.task import PROBLEM; PROBLEM.configured({'stage': 'down'})\n"
        "del sys.modules['torch'], sys.modules['triton']\n"
        "from evaluators.kernels.moe_kernel import play_seeds\n"
        "sys.exit(play_seeds.main(['--tier', 'smoke', '--set', 'timing=off']))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120, env=environment
    ).stdout
    assert said.count("even-0: scored 0.0000") == len(said.splitlines()) == 4


def test_a_user_is_told_before_a_run_that_nothing_will_be_timed() -> None:
    assert "no time is measured" in PROBLEM.configured({"timing": "off"}).task.caveat
