"""The task `spot_deadline`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluators.contract import (
    ContractError,
    Descriptor,
    InstanceResult,
    Limits,
    ParameterValue,
    Picture,
    Split,
    Task,
    Tier,
)
from evaluators.parameters import read_settings
from evaluators.scheduling.spot_deadline import report
from evaluators.scheduling.spot_deadline.optimum import check_size
from evaluators.scheduling.spot_deadline.parameters import PARAMETERS
from evaluators.scheduling.spot_deadline.scenario import Scenario
from evaluators.scheduling.spot_deadline.suite import check_weather, draw_job, recipes, scenario
from evaluators.scheduling.spot_deadline.terms import METRICS, POLICY
from evaluators.scheduling.spot_deadline.trace import Trace, read_trace
from evaluators.seeding import SeedSource

TASK = Task(
    name="spot_deadline",
    # 2: forty jobs in the quick tier, whose scores differ much from job to job; 3: validation has places, deadlines and
    # prices of its own: with those of search it chose programs that moved too readily for the hold-out
    revision=3,
    family="scheduling",
    summary=(
        "Finish a long job before its deadline for the least money: each tick, idle, run on spot machines that come "
        "and go, or on demand, in one region or several. Every start costs time, and the future is not known."
    ),
    entry_points=(POLICY,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="on_demand",
    limits={
        Tier.SMOKE: Limits.of_cpu(1.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(4.0),
        Tier.REPORT: Limits.of_cpu(10.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="spot_share", low=0.0, high=1.0, bins=6),
        Descriptor(metric="starts", low=0.0, high=36.0, bins=6),
    ),
    trade_offs=("score", "spare_h"),
)


@dataclass(frozen=True, slots=True)
class SpotProblem:
    """The suite, or the user's part of it: `task.parameters` holds what the user set and nothing else."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> SpotProblem:
        """The problem for the user's own job, prices, regions or recorded availability.

        Raises:
            ContractError: Unknown name, wrong kind, out of range, settings without effect, a malformed trace, a
                deadline that cannot be met, or ticks so short that the optimum cannot be computed.
        """
        problem = SpotProblem(replace(self.task, parameters=read_settings(self.task, settings)))
        check_weather(problem.task.parameters)
        trace = problem._trace()
        for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
            for recipe in recipes(Tier.QUICK, split, problem.task.parameters, trace):
                job = draw_job(recipe, Tier.QUICK, problem.task.parameters, np.random.default_rng(0))
                check_size(job)
                if trace is not None:
                    trace.check_length(job.deadline * job.tick_s)
        return problem

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
        """The scenarios, optima included."""
        settings, trace = self.task.parameters, self._trace()
        return [
            scenario(recipe, tier, split, settings, trace, seeds) for recipe in recipes(tier, split, settings, trace)
        ]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """Scores and habits per regime, and the failures."""
        return report.feedback(results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Scores and modes per regime."""
        return report.pictures(results)

    def _trace(self) -> Trace | None:
        value = self.task.parameters.get("trace", "")
        if not value:
            return None
        trace, wanted = read_trace(value), int(self.task.parameters.get("regions", 1))
        if wanted > len(trace.zones):
            raise ContractError(
                f"trace {trace.path}: has {len(trace.zones)} zones, but regions was set to {wanted}; set regions lower"
            )
        return trace


PROBLEM = SpotProblem()
