"""The task `tier_cache`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import Descriptor, Limits, Split, Task, Tier
from evaluators.placement.tier_cache import report
from evaluators.placement.tier_cache.parameters import PARAMETERS
from evaluators.placement.tier_cache.recorded import Recording, read_recording
from evaluators.placement.tier_cache.scenario import Scenario
from evaluators.placement.tier_cache.suite import check_settings, recipes, scenario
from evaluators.placement.tier_cache.terms import METRICS, POLICY
from evaluators.problem import Settings
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem

TASK = Task(
    name="tier_cache",
    family="placement",
    summary=(
        "Choose which experts of a mixture of experts stay in GPU memory while it decodes with the others in host "
        "memory: what to evict and what to load ahead, layer by layer, so that a trace takes the least time."
    ),
    entry_points=(POLICY,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="lru",
    limits={  # wide for rules, which need some 50 us per call
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(4.0),
        Tier.REPORT: Limits.of_cpu(10.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="ahead", low=0.0, high=0.9, bins=6),
        Descriptor(metric="wasted", low=0.0, high=0.6, bins=6),
    ),
    trade_offs=("score", "loads"),
)


def _read(settings: Settings) -> Recording | None:
    value = settings.get("trace", "")
    return read_recording(value, int(settings.get("experts", 0))) if value else None


def _draw(
    settings: Settings, recording: Recording | None, tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    return [scenario(recipe, split, recording, seeds) for recipe in recipes(tier, split, settings, recording)]


PROBLEM = SuiteProblem(
    task=TASK,
    read=_read,
    check=check_settings,
    draw=_draw,
    report=report,
    most=lambda scenario: scenario.score(scenario.bound_us),
)
