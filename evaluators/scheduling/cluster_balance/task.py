"""The task `cluster_balance`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from evaluators.contract import Descriptor, Limits, Task, Tier
from evaluators.scheduling.cluster_balance import report
from evaluators.scheduling.cluster_balance.parameters import PARAMETERS
from evaluators.scheduling.cluster_balance.recorded import read_trace
from evaluators.scheduling.cluster_balance.suite import check_settings, scenarios
from evaluators.scheduling.cluster_balance.terms import METRICS, POLICY
from evaluators.suite_problem import SuiteProblem, told_file

TASK = Task(
    name="cluster_balance",
    family="scheduling",
    summary=(
        "Place jobs of unknown size on machines of unknown speed as they arrive, move them, and switch machines on and "
        "off, so that weighted flow time plus the price of the machines is small."
    ),
    entry_points=(POLICY,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="round_robin",
    limits={
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(4.0),
        Tier.REPORT: Limits.of_cpu(4.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="machines_on", low=0.0, high=1.0, bins=6),
        Descriptor(metric="moves", low=0.0, high=2.0, bins=6),
    ),
    trade_offs=("score", "flow_p99"),
)
PROBLEM = SuiteProblem(
    task=TASK,
    read=told_file("trace", read_trace),
    check=check_settings,
    draw=scenarios,
    report=report,
    most=lambda scenario: scenario.score(scenario.bound),
)
