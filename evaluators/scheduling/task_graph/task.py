"""The task `task_graph`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import Descriptor, Limits, Split, Task, Tier
from evaluators.problem import Settings
from evaluators.scheduling.task_graph import report
from evaluators.scheduling.task_graph.checks import check_settings
from evaluators.scheduling.task_graph.parameters import PARAMETERS
from evaluators.scheduling.task_graph.recorded import Recording, read_recording
from evaluators.scheduling.task_graph.scenario import Scenario
from evaluators.scheduling.task_graph.suite import from_recording, generated, recipes
from evaluators.scheduling.task_graph.terms import METRICS, SCHEDULE
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem, told_file

TASK = Task(
    name="task_graph",
    family="scheduling",
    summary=(
        "Place the tasks of a graph on processors that differ and order them, with transfers between processors, so "
        "that the last one ends early."
    ),
    entry_points=(SCHEDULE,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="in_order",
    limits={  # wide for rules, narrow for programs that search
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(2.0),
        Tier.REPORT: Limits.of_cpu(5.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="crossing", low=0.0, high=90.0, bins=6),
        Descriptor(metric="used", low=40.0, high=100.0, bins=6),
    ),
    trade_offs=("score", "extra"),
)


def _draw(
    settings: Settings, recording: Recording | None, tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    if recording is not None:
        return from_recording(recording, tier, split, settings, seeds)
    return [generated(recipe, seeds) for recipe in recipes(tier, split, settings)]


PROBLEM = SuiteProblem(
    task=TASK,
    read=told_file("graph", read_recording),
    check=check_settings,
    draw=_draw,
    report=report,
    most=lambda scenario: scenario.score(scenario.bound_us),
)
