"""The task `moe_loss`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.balancing.moe_loss import report
from evaluators.balancing.moe_loss.parameters import PARAMETERS
from evaluators.balancing.moe_loss.scenario import Scenario
from evaluators.balancing.moe_loss.suite import scenarios
from evaluators.balancing.moe_loss.terms import LOSS, METRICS
from evaluators.balancing.moe_loss.training import require_torch
from evaluators.contract import Descriptor, InstanceResult, Limits, ParameterValue, Picture, Split, Task, Tier
from evaluators.parameters import read_settings
from evaluators.seeding import SeedSource, secret_from_seed

TASK = Task(
    name="moe_loss",
    family="balancing",
    summary=(
        "Keep the experts of a mixture-of-experts model busy without spoiling what it learns: the loss, or the "
        "selection rule, that is added to the training of a small byte language model."
    ),
    entry_points=(LOSS,),
    metrics=METRICS,
    objective="score",
    bound=None,
    weak_baseline="global_batch_lbl",
    limits={
        Tier.SMOKE: Limits(wall_s=20.0, cpu_s=4.0, call_wall_s=10.0),
        Tier.QUICK: Limits(wall_s=120.0, cpu_s=20.0, call_wall_s=20.0),
        Tier.FULL: Limits(wall_s=600.0, cpu_s=120.0, call_wall_s=20.0),
        Tier.REPORT: Limits(wall_s=3600.0, cpu_s=600.0, call_wall_s=20.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="domain_information", low=0.0, high=0.5, bins=6),
        Descriptor(metric="max_violation_batch", low=0.0, high=6.0, bins=6),
    ),
    trade_offs=("nats", "step_time"),
    # 2: further methods, more trainings at full; 3: validation has regimes of its own, fluctuation; 4: losses on the
    # router's weight have strengths and limits, selection in validation is by single tokens, null experts have a budget
    revision=4,
    ranking_tier=Tier.QUICK,
    libraries=("numpy", "torch"),
    host="evaluators.balancing.moe_loss:child_batch.py+child_host.py",
)


@dataclass(frozen=True, slots=True)
class LossProblem:
    """The suite, or the user's part of it: `task.parameters` holds what the user set and nothing else."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> LossProblem:
        """The problem for the user's own model, text or time model.

        Raises:
            ContractError: Unknown name, wrong kind, out of range, or settings that do not fit each other.
        """
        problem = LossProblem(replace(self.task, parameters=read_settings(self.task, settings)))
        for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
            scenarios(Tier.QUICK, split, problem.task.parameters, SeedSource(secret_from_seed(0), split))
        return problem

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
        """The trainings.

        Raises:
            ContractError: There is no torch.
        """
        require_torch()
        return scenarios(tier, split, self.task.parameters, seeds)

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """Scores and what they are made of, per regime, and the failures."""
        return report.feedback(results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Load by step, and experts by domain."""
        return report.pictures(results)


PROBLEM = LossProblem()
