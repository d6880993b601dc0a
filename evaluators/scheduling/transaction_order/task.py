"""The task `transaction_order`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import Descriptor, Limits, Split, Task, Tier
from evaluators.problem import Settings
from evaluators.scheduling.transaction_order import report
from evaluators.scheduling.transaction_order.parameters import PARAMETERS
from evaluators.scheduling.transaction_order.recorded import Recording, read_recording
from evaluators.scheduling.transaction_order.scenario import Scenario
from evaluators.scheduling.transaction_order.suite import check_settings, from_recording, generated, recipes
from evaluators.scheduling.transaction_order.terms import METRICS, POLICY
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem, told_file

TASK = Task(
    name="transaction_order",
    family="scheduling",
    summary=(
        "Choose in which order conflicting transactions of a database are admitted, so that the last of them ends "
        "early: a whole batch at once, or a stream of which the waiting ones are seen."
    ),
    entry_points=(POLICY,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="arrival",
    limits={  # wide for rules and greedy orders, narrow for programs that search
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(2.0),
        Tier.REPORT: Limits.of_cpu(5.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="moved", low=0.0, high=48.0, bins=6),
        Descriptor(metric="overtaking", low=0.0, high=96.0, bins=6),
    ),
    trade_offs=("score", "moved"),
)


def _draw(
    settings: Settings, recording: Recording | None, tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    if recording is not None:
        return from_recording(recording, tier, split, settings, seeds)
    return [generated(recipe, settings, seeds) for recipe in recipes(tier, split, settings)]


PROBLEM = SuiteProblem(
    task=TASK,
    read=told_file("workload", read_recording),
    check=check_settings,
    draw=_draw,
    report=report,
    most=lambda scenario: scenario.score(scenario.bound),
)
