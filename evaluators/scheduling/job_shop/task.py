"""The task `job_shop`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evaluators.contract import Descriptor, Limits, Split, Task, Tier
from evaluators.problem import Settings
from evaluators.scheduling.job_shop import report
from evaluators.scheduling.job_shop.instances_file import NamedShop, read_instances
from evaluators.scheduling.job_shop.parameters import PARAMETERS
from evaluators.scheduling.job_shop.reference import reference_makespan, require_solver
from evaluators.scheduling.job_shop.scenario import Scenario, Variant
from evaluators.scheduling.job_shop.suite import check_shapes, from_file, generated, recipes
from evaluators.scheduling.job_shop.terms import METRICS, POLICY
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem

TASK = Task(
    name="job_shop",
    family="scheduling",
    summary=(
        "Choose which job each machine takes next, so that the last job of the shop ends early: with durations known, "
        "without buffers between machines, and with durations that are known only afterwards."
    ),
    entry_points=(POLICY,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="fifo",
    revision=2,  # 2: validation has shops of its own
    limits={  # wide for rules, which need some 50 us per call; narrow for programs that search
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(4.0),
        Tier.REPORT: Limits.of_cpu(60.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="delayed", low=0.0, high=24.0, bins=6),
        Descriptor(metric="blocked", low=10.0, high=19.0, bins=6),
    ),
    trade_offs=("score", "blocked"),
)


def _read(settings: Settings) -> tuple[NamedShop, ...]:
    value = str(settings.get("instances", ""))
    return read_instances(value) if value else ()


def _check(settings: Settings, _shops: tuple[NamedShop, ...]) -> None:
    """Too many operations, and a solver that is not installed."""
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        check_shapes(recipes(Tier.QUICK, split, settings))
    if _reference_s(settings):
        require_solver()


def _draw(
    settings: Settings, shops: tuple[NamedShop, ...], tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    if shops:
        scenarios = from_file(shops, tier, split, settings, seeds)
    else:
        scenarios = [generated(recipe, seeds) for recipe in recipes(tier, split, settings)]
    seconds = _reference_s(settings)
    return [_with_reference(scenario, seconds) for scenario in scenarios] if seconds else scenarios


def _reference_s(settings: Settings) -> float:
    return float(settings.get("reference_s", 0.0))


def _with_reference(scenario: Scenario, seconds: float) -> Scenario:
    blocking = scenario.setting.variant is Variant.BLOCKING
    found = reference_makespan(scenario.shop.routes, scenario.realised, seconds, blocking=blocking)
    return replace(scenario, reference=found)


PROBLEM = SuiteProblem(
    task=TASK, read=_read, check=_check, draw=_draw, report=report, most=lambda scenario: scenario.score(scenario.bound)
)
