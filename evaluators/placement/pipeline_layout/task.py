"""The task `pipeline_layout`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import Descriptor, Limits, Split, Task, Tier
from evaluators.placement.pipeline_layout import report
from evaluators.placement.pipeline_layout.network_file import Recording, read_network
from evaluators.placement.pipeline_layout.parameters import PARAMETERS
from evaluators.placement.pipeline_layout.scenario import Scenario
from evaluators.placement.pipeline_layout.suite import check_settings, from_recording, generated, recipes
from evaluators.placement.pipeline_layout.terms import LAYOUT, METRICS
from evaluators.problem import Settings
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem, told_file

TASK = Task(
    name="pipeline_layout",
    family="placement",
    summary=(
        "Choose which device holds which stage of which pipeline, and how layers and batches are cut, so that a "
        "training step is short on devices and links that differ: racks, zones, continents, volunteers."
    ),
    entry_points=(LAYOUT,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="in_order",
    limits={  # the same seconds everywhere, so that what is tuned on one tier holds on the others
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(2.0),
        Tier.REPORT: Limits.of_cpu(2.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="stages", low=2.0, high=14.0, bins=6),
        Descriptor(metric="exchange", low=0.0, high=60.0, bins=6),
    ),
    trade_offs=("score", "idle"),
    libraries=("numpy", "scipy"),
)


def _draw(
    settings: Settings, recording: Recording | None, tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    if recording is not None:
        return from_recording(recording, tier, split, settings, seeds)
    return [generated(recipe, settings, seeds) for recipe in recipes(tier, split, settings)]


PROBLEM = SuiteProblem(
    task=TASK, read=told_file("network", read_network), check=check_settings, draw=_draw, report=report
)
