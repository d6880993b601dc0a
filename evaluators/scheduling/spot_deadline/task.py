"""The task `spot_deadline`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.contract import ContractError, Descriptor, Limits, Split, Task, Tier
from evaluators.problem import Settings
from evaluators.scheduling.spot_deadline import report
from evaluators.scheduling.spot_deadline.optimum import check_size
from evaluators.scheduling.spot_deadline.parameters import PARAMETERS
from evaluators.scheduling.spot_deadline.scenario import Scenario
from evaluators.scheduling.spot_deadline.suite import check_weather, draw_job, recipes, scenario
from evaluators.scheduling.spot_deadline.terms import METRICS, POLICY
from evaluators.scheduling.spot_deadline.trace import Trace, read_trace
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem

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
        Tier.SMOKE: Limits.of_cpu(2.0),
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


def _read(settings: Settings) -> Trace | None:
    value = settings.get("trace", "")
    if not value:
        return None
    trace, wanted = read_trace(value), int(settings.get("regions", 1))
    if wanted > len(trace.zones):
        raise ContractError(
            f"trace {trace.path}: has {len(trace.zones)} zones, but regions was set to {wanted}; set regions lower"
        )
    return trace


def _check(settings: Settings, trace: Trace | None) -> None:
    """Weather without effect, deadlines that cannot be met, ticks too short for the optimum, and short traces."""
    check_weather(settings)
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        for recipe in recipes(Tier.QUICK, split, settings, trace):
            job = draw_job(recipe, Tier.QUICK, settings, np.random.default_rng(0))
            check_size(job)
            if trace is not None:
                trace.check_length(job.deadline * job.tick_s)


def _draw(settings: Settings, trace: Trace | None, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
    return [scenario(recipe, tier, split, settings, trace, seeds) for recipe in recipes(tier, split, settings, trace)]


PROBLEM = SuiteProblem(task=TASK, read=_read, check=_check, draw=_draw, report=report)
