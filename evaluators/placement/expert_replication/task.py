"""The task `expert_replication`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.contract import Descriptor, Limits, Split, Task, Tier
from evaluators.placement.expert_replication import report
from evaluators.placement.expert_replication.loads import RecordedLoads, read_loads
from evaluators.placement.expert_replication.parameters import PARAMETERS
from evaluators.placement.expert_replication.ranges import RECORDED
from evaluators.placement.expert_replication.recorded_moe import recorded_moe
from evaluators.placement.expert_replication.scenario import MODELLED_DELAY_S, Scenario, build_scenario
from evaluators.placement.expert_replication.suite import Recipe, recipes
from evaluators.placement.expert_replication.terms import METRICS, POLICY
from evaluators.placement.expert_replication.workload import Workload, draw_workload
from evaluators.placement.profile import curve_of, named_profile, with_measured_expert
from evaluators.problem import Settings
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem

TASK = Task(
    name="expert_replication",
    # 2: the hold-out has 144 GPUs and Mixtral-8x7B too; 3: fresh slots, lost nodes; 4: validation has regimes, machines
    # and models of its own, the report tier a recorded trace
    revision=4,
    family="placement",
    summary=(
        "Re-plan, window by window, which experts of a mixture-of-experts model are copied and on which GPU each copy "
        "sits, while the load drifts. Plans from past windows are scored on the next one: expert compute of the "
        "slowest GPU, all-to-all, moved weights and the planner's own time."
    ),
    entry_points=(POLICY,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="static",
    limits={
        Tier.SMOKE: Limits.of_cpu(10.0),
        Tier.QUICK: Limits.of_cpu(10.0),
        Tier.FULL: Limits.of_cpu(60.0),
        Tier.REPORT: Limits.of_cpu(300.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="moved_fraction", low=0.0, high=1.0, bins=6),
        Descriptor(metric="gpu_balance", low=0.4, high=1.0, bins=6),
    ),
    trade_offs=("score", "imbalance_us", "migration_us"),
    libraries=("numpy", "scipy"),
    charges_time=True,
    modelled_delay_s=MODELLED_DELAY_S,
)


def scenario_of(
    recipe: Recipe, tier: Tier, split: Split, seeds: SeedSource, recorded: RecordedLoads | None = None
) -> Scenario:
    """The scenario that a recipe and its seed stand for; `recorded` are the loads that the user gave."""
    return build_scenario(
        recipe.name,
        recipe.regime.name,
        recipe.system,
        _workload(recipe, split, np.random.default_rng(seeds.instance(recipe.name)), recorded),
        seeds.candidate(recipe.name),
        outage=recipe.outage,
        oracle=tier is Tier.REPORT,
    )


def _read(settings: Settings) -> RecordedLoads | None:
    loads = settings.get("loads", "")
    return read_loads(str(loads), settings) if loads else None


def _check(settings: Settings, recorded: RecordedLoads | None) -> None:
    """Combinations that no scenario has."""
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        _recipes(Tier.QUICK, split, settings, recorded)


def _draw(
    settings: Settings, recorded: RecordedLoads | None, tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    return [scenario_of(r, tier, split, seeds, recorded) for r in _recipes(tier, split, settings, recorded)]


def _recipes(tier: Tier, split: Split, settings: Settings, recorded: RecordedLoads | None) -> Sequence[Recipe]:
    profile = named_profile(settings)
    measured, curve = with_measured_expert(settings, profile), curve_of(profile)
    if recorded is None:
        return recipes(tier, split, measured, curve)
    return recipes(tier, split, {**measured, **recorded.settings()}, curve, regimes=(RECORDED,))


def _workload(recipe: Recipe, split: Split, rng: np.random.Generator, recorded: RecordedLoads | None) -> Workload:
    if recipe.plays_recorded_moe:
        return recorded_moe().whole(recipe.load)
    if recorded is None:
        return draw_workload(recipe.regime, recipe.load, rng)
    return recorded.workload(recipe.load, split, rng)


PROBLEM = SuiteProblem(task=TASK, read=_read, check=_check, draw=_draw, report=report)
