"""The task `moe_kernel`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from evaluators.contract import (
    ContractError,
    InstanceResult,
    Limits,
    ParameterValue,
    Picture,
    Split,
    Task,
    Tier,
)
from evaluators.environment import this_device
from evaluators.kernels.moe_kernel import report
from evaluators.kernels.moe_kernel.parameters import DEFAULT_STAGE, HOST, PARAMETERS, seeds_of, shape_for, stage_of
from evaluators.kernels.moe_kernel.suite import cases
from evaluators.kernels.moe_kernel.terms import METRICS, WEAK_BASELINE, entry_points
from evaluators.kernels.moe_kernel.timing_process import TimingProcess
from evaluators.parameters import read_settings
from evaluators.problem import Instance
from evaluators.seeding import SeedSource

_SEED_BITS = 62  # torch takes no more
TASK = Task(
    name="moe_kernel",
    family="kernels",
    summary="Write one stage of a mixture-of-experts layer as Triton kernels that come close to the roofline.",
    entry_points=entry_points(DEFAULT_STAGE),
    metrics=METRICS,
    objective="score",
    bound=None,
    weak_baseline=WEAK_BASELINE,
    limits={
        Tier.SMOKE: Limits(wall_s=60.0, cpu_s=20.0, call_wall_s=30.0),
        Tier.QUICK: Limits(wall_s=240.0, cpu_s=60.0, call_wall_s=60.0),
        Tier.FULL: Limits(wall_s=480.0, cpu_s=120.0, call_wall_s=60.0),
        Tier.REPORT: Limits(wall_s=960.0, cpu_s=240.0, call_wall_s=60.0),
    },
    parameter_specs=PARAMETERS,
    libraries=("numpy", "torch", "triton"),
    stateful=False,
    host=HOST,
)


UNTIMED = "no time is measured here, for want of a GPU or by --set timing=off: every correct program scores 0"


@dataclass(frozen=True, slots=True)
class KernelProblem:
    """The suite for one stage, or the user's part of it: `task.parameters` holds what the user set and nothing else."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> KernelProblem:
        """The problem for another stage or the user's own layer.

        Raises:
            ContractError: Unknown name, wrong kind, out of range, or sizes that do not fit each other.
        """
        parameters = read_settings(self.task, settings)
        for split in (Split.SEARCH, Split.HOLDOUT):
            for case in cases(Tier.QUICK, split):
                shape_for(case.regime.target, parameters)
        stage = stage_of(parameters)
        task = replace(self.task, parameters=parameters, entry_points=entry_points(stage), seeds=seeds_of(stage))
        return KernelProblem(replace(task, caveat="" if _is_timed(parameters) else UNTIMED))

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Instance]:
        """The scenarios, timed where the machine has a GPU.

        Raises:
            ContractError: There is no torch or no triton.
        """
        _require_libraries()
        from evaluators.kernels.moe_kernel.scenario import Scenario  # needs torch

        settings = self.task.parameters
        timed = _is_timed(settings)
        return [
            Scenario(
                name=case.name,
                regime=case.regime.name,
                stage=stage_of(settings),
                load=case.regime.load,
                target=shape_for(case.regime.target, settings),
                tiny=case.regime.tiny,
                seed=seeds.instance(case.name) >> (64 - _SEED_BITS),
                timing=_timing_process() if timed else None,
            )
            for case in cases(tier, split)
        ]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """Times and what the kernels take, per regime, and the failures."""
        return report.feedback(results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Times beside floors, where they were measured."""
        return report.pictures(results)


def _is_timed(settings: Mapping[str, ParameterValue]) -> bool:
    return settings.get("timing", "auto") == "auto" and bool(this_device()[0])


@cache
def _timing_process() -> TimingProcess:
    """One for all instances of this worker; it starts when first used and ends with the worker."""
    return TimingProcess()


def _require_libraries() -> None:
    missing = [name for name in ("torch", "triton") if importlib.util.find_spec(name) is None]
    if missing:
        raise ContractError(f"moe_kernel needs {' and '.join(missing)}: pip install 'evenkeel[torch]'")


PROBLEM = KernelProblem()
