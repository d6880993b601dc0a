"""The task `expert_topology`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.contract import Descriptor, Limits, Split, Task, Tier
from evaluators.placement.expert_topology import report
from evaluators.placement.expert_topology.parameters import PARAMETERS
from evaluators.placement.expert_topology.scenario import Scenario, build_scenario
from evaluators.placement.expert_topology.suite import Recipe, recipes
from evaluators.placement.expert_topology.terms import METRICS, PLACE
from evaluators.placement.expert_topology.trace import RecordedTrace, read_trace
from evaluators.placement.expert_topology.workload import Regime, Workload, draw_workload
from evaluators.placement.profile import curve_of, named_profile, with_measured_expert
from evaluators.problem import Settings
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem

RECORDED = Regime(name="recorded")  # a name only: the tokens come from the user's file

TASK = Task(
    name="expert_topology",
    family="placement",
    summary=(
        "Choose on which GPU the experts of every layer of a mixture-of-experts model sit, from traced tokens: GPUs "
        "must be balanced, and the tokens' way from layer to layer should cross few of the slow links."
    ),
    entry_points=(PLACE,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="contiguous",
    limits={
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(5.0),
        Tier.REPORT: Limits.of_cpu(40.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="away", low=0.3, high=0.9, bins=6),
        Descriptor(metric="gpu_balance", low=0.5, high=1.0, bins=6),
    ),
    trade_offs=("score", "imbalance_us", "exchange_us"),
    libraries=("numpy", "scipy"),
)


def _read(settings: Settings) -> RecordedTrace | None:
    value = settings.get("trace", "")
    return read_trace(str(value), settings) if value else None


def _check(settings: Settings, trace: RecordedTrace | None) -> None:
    """Combinations that no scenario has."""
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        _recipes(Tier.QUICK, split, settings, trace)


def _draw(
    settings: Settings, trace: RecordedTrace | None, tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    return [_scenario(recipe, split, seeds, trace) for recipe in _recipes(tier, split, settings, trace)]


def _recipes(tier: Tier, split: Split, settings: Settings, trace: RecordedTrace | None) -> Sequence[Recipe]:
    profile = named_profile(settings)
    measured, curve = with_measured_expert(settings, profile), curve_of(profile)
    if trace is None:
        return recipes(tier, split, measured, curve)
    return recipes(tier, split, {**trace.settings(), **measured}, curve, regimes=(RECORDED,))


def _scenario(recipe: Recipe, split: Split, seeds: SeedSource, trace: RecordedTrace | None) -> Scenario:
    return build_scenario(
        recipe.name,
        recipe.regime.name,
        recipe.system,
        _workload(recipe, split, np.random.default_rng(seeds.instance(recipe.name)), trace),
        seeds.candidate(recipe.name),
    )


def _workload(recipe: Recipe, split: Split, rng: np.random.Generator, trace: RecordedTrace | None) -> Workload:
    if trace is None:
        return draw_workload(recipe.regime, recipe.trace, rng)
    return trace.workload(recipe.trace, split, rng)


PROBLEM = SuiteProblem(task=TASK, read=_read, check=_check, draw=_draw, report=report)
