"""The task `table_reorder`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import Descriptor, Limits, Split, Task, Tier
from evaluators.problem import Settings
from evaluators.scheduling.table_reorder import report
from evaluators.scheduling.table_reorder.parameters import PARAMETERS
from evaluators.scheduling.table_reorder.recorded import Recording, read_recording
from evaluators.scheduling.table_reorder.scenario import Scenario
from evaluators.scheduling.table_reorder.suite import check_settings, from_recording, generated, recipes
from evaluators.scheduling.table_reorder.terms import METRICS, REORDER
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem, told_file

TASK = Task(
    name="table_reorder",
    family="scheduling",
    summary=(
        "Choose in which order the rows of a table, and the cells of each, are put into prompts, so that consecutive "
        "prompts begin alike and a serving engine's prefix cache is hit."
    ),
    entry_points=(REORDER,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="original",
    limits={  # wide for sorting and greedy grouping, narrow for programs that search
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(2.0),
        Tier.REPORT: Limits.of_cpu(10.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="orders", low=0.0, high=60.0, bins=6),
        Descriptor(metric="cold", low=0.0, high=30.0, bins=6),
    ),
    trade_offs=("score", "orders"),
)


def _draw(
    settings: Settings, recording: Recording | None, tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    if recording is not None:
        return from_recording(recording, tier, split, settings, seeds)
    return [generated(recipe, settings, seeds) for recipe in recipes(tier, split, settings)]


PROBLEM = SuiteProblem(
    task=TASK,
    read=told_file("table", read_recording),
    check=check_settings,
    draw=_draw,
    report=report,
    most=lambda scenario: scenario.score(scenario.bound),
)
