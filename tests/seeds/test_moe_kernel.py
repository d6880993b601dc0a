"""The programs of `seeds/moe_kernel*`: one folder per stage, each program right, compiled for Hopper, and cited."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.adapters.hosting import hosted
from evaluators.contract import Outcome, Split, Tier
from evaluators.kernels.moe_kernel.parameters import HOST, seeds_of
from evaluators.kernels.moe_kernel.stages import STAGES
from evaluators.kernels.moe_kernel.task import PROBLEM, TASK
from evaluators.kernels.shapes import Stage
from evaluators.problem import ClockPolicy
from evaluators.sandbox.client import Sandbox
from evaluators.seed_files import seed_files
from evaluators.seeding import SeedSource, secret_from_seed

SEEDS = Path(__file__).parents[2] / "seeds"
PROGRAMS = [
    (stage, path)
    for stage in STAGES
    for path in (SEEDS / seeds_of(stage) / "initial.py", *sorted((SEEDS / seeds_of(stage) / "baselines").glob("*.py")))
]
NAMES = [f"{stage}-{path.stem}" for stage, path in PROGRAMS]
MATRIX = (Stage.GATE_UP, Stage.DOWN)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    pytest.importorskip("torch", reason="moe_kernel needs torch")
    pytest.importorskip("triton", reason="moe_kernel needs triton")
    with Sandbox.start(("numpy", "torch", "triton")) as started:
        yield started


@pytest.mark.parametrize(("stage", "path"), PROGRAMS, ids=NAMES)
def test_every_program_says_where_it_comes_from(stage: Stage, path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert "Source: " in text or path.stem == "initial"
    assert f"`{path.stem}.py`" in (SEEDS / "moe_kernel" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_programs_to_start_from_and_one_that_scores_0(stage: Stage) -> None:
    files = seed_files(PROBLEM.configured({"stage": stage.value}).task.programs)
    assert files.initial is not None
    assert f"{TASK.weak_baseline}.py" in [file.name for file in files.baselines]
    text = files.initial.read_text(encoding="utf-8")
    assert text.count("EVOLVE-BLOCK-START") == text.count("EVOLVE-BLOCK-END") == 1


@pytest.mark.parametrize(("stage", "path"), PROGRAMS, ids=NAMES)
def test_every_program_is_right_on_every_regime_and_compiles(sandbox: Sandbox, stage: Stage, path: Path) -> None:
    problem = PROBLEM.configured({"stage": stage.value, "timing": "off"})
    for split in (Split.SEARCH, Split.HOLDOUT):
        with sandbox.candidate(hosted(path.read_text(encoding="utf-8"), HOST), TASK.limits[Tier.QUICK]) as loaded:
            for scenario in problem.instances(Tier.QUICK, split, SeedSource(secret_from_seed(0), split))[:3]:
                result = scenario.play(loaded, ClockPolicy())
                assert (result.outcome, result.score) == (Outcome.SCORED, 0.0)


@pytest.mark.parametrize("stage", MATRIX)
def test_the_tiles_for_hopper_reach_its_matrix_units_and_fill_its_shared_memory(sandbox: Sandbox, stage: Stage) -> None:
    from evaluators.kernels.moe_kernel.program import Program
    from evaluators.kernels.moe_kernel.suite import SEARCH_REGIMES

    source = (SEEDS / seeds_of(stage) / "baselines" / "hopper_tiles.py").read_text(encoding="utf-8")
    with sandbox.candidate(hosted(source, HOST), TASK.limits[Tier.QUICK]) as loaded:
        plan, machines = Program(loaded, stage).compiled(SEARCH_REGIMES[0].target)
    assert "wgmma.mma_async" in plan.kernels[0].ptx
    assert 128 << 10 < plan.kernels[0].shared_bytes <= 227 << 10
    assert machines[0].spill_bytes == 0
