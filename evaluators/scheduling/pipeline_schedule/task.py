"""The task `pipeline_schedule`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from evaluators.contract import Descriptor, Limits, Task, Tier
from evaluators.scheduling.pipeline_schedule import report
from evaluators.scheduling.pipeline_schedule.checks import check_settings
from evaluators.scheduling.pipeline_schedule.parameters import PARAMETERS
from evaluators.scheduling.pipeline_schedule.profile import read_profile
from evaluators.scheduling.pipeline_schedule.suite import drawn
from evaluators.scheduling.pipeline_schedule.terms import METRICS, SCHEDULE
from evaluators.suite_problem import SuiteProblem, told_file

TASK = Task(
    name="pipeline_schedule",
    family="scheduling",
    summary=(
        "Choose in which order the devices of a training pipeline run forward passes, input gradients and weight "
        "gradients, so that the step is short and activations fit in memory."
    ),
    entry_points=(SCHEDULE,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="one_f_one_b",
    limits={  # wide for rules, narrow for programs that search
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(2.0),
        Tier.REPORT: Limits.of_cpu(5.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="under_way", low=0.4, high=2.2, bins=6),
        Descriptor(metric="postponed", low=0.0, high=96.0, bins=6),
    ),
    trade_offs=("score", "peak_mean"),
)


PROBLEM = SuiteProblem(
    task=TASK, read=told_file("profile", read_profile), check=check_settings, draw=drawn, report=report
)
