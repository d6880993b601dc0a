"""The task `sequence_split`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import Descriptor, Limits, Split, Task, Tier
from evaluators.problem import Settings
from evaluators.scheduling.sequence_split import report
from evaluators.scheduling.sequence_split.checks import check_settings
from evaluators.scheduling.sequence_split.parameters import PARAMETERS
from evaluators.scheduling.sequence_split.recorded import Recording, read_recording
from evaluators.scheduling.sequence_split.scenario import Scenario
from evaluators.scheduling.sequence_split.suite import from_recording, generated, recipes
from evaluators.scheduling.sequence_split.terms import METRICS, SPLIT
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem, told_file

TASK = Task(
    name="sequence_split",
    family="scheduling",
    summary=(
        "Spread the sequences of a training batch, of very different lengths, over ranks and micro-batches, long ones "
        "cut over several ranks, so that the step is short."
    ),
    entry_points=(SPLIT,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="first_fit",
    limits={  # wide for rules, narrow for programs that search
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(2.0),
        Tier.REPORT: Limits.of_cpu(5.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="cut", low=0.0, high=30.0, bins=6),
        Descriptor(metric="width", low=1.0, high=10.0, bins=6),
    ),
    trade_offs=("score", "added"),
)


def _draw(
    settings: Settings, recording: Recording | None, tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    if recording is not None:
        return from_recording(recording, tier, split, settings, seeds)
    return [generated(recipe, settings, seeds) for recipe in recipes(tier, split, settings)]


PROBLEM = SuiteProblem(
    task=TASK,
    read=told_file("lengths", read_recording),
    check=check_settings,
    draw=_draw,
    report=report,
    most=lambda scenario: scenario.score(scenario.bound_us),
)
