"""The task `model_packing`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.contract import ContractError, Descriptor, Limits, ParameterValue, Split, Task, Tier
from evaluators.placement.model_packing import report
from evaluators.placement.model_packing.cluster_file import NamedCluster, read_clusters
from evaluators.placement.model_packing.parameters import MIXED, PARAMETERS, PUBLISHED
from evaluators.placement.model_packing.scenario import Scenario
from evaluators.placement.model_packing.suite import (
    FLEET,
    SEARCH_REGIMES,
    check_size,
    from_file,
    generated,
    published,
    recipes,
)
from evaluators.placement.model_packing.terms import METRICS, PLACE
from evaluators.problem import Settings
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem

TASK = Task(
    name="model_packing",
    family="placement",
    summary=(
        "Choose which language models share which GPU, so that on the GPU where KV caches are tightest they have the "
        "most room for the demand: equal and mixed GPUs, models of several parts, and fleets of which little may move."
    ),
    entry_points=(PLACE,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="first_fit",
    limits={  # the same seconds everywhere, so that what is tuned on one tier holds on the others
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(2.0),
        Tier.REPORT: Limits.of_cpu(2.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="tight_gpus", low=5.0, high=65.0, bins=6),
        Descriptor(metric="free_sd", low=4.0, high=10.0, bins=6),
    ),
    trade_offs=("score", "moved"),
    libraries=("numpy", "scipy"),
)


def _read(settings: Settings) -> tuple[NamedCluster, ...]:
    value = str(settings.get("cluster", ""))
    return read_clusters(value) if value else ()


def _check(settings: Settings, clusters: tuple[NamedCluster, ...]) -> None:
    """Settings without effect, and fleets that cannot be filled so."""
    check_effect(settings)
    if not clusters and settings.get("suite", MIXED) == MIXED:
        check_recipes(settings)


def _draw(
    settings: Settings, clusters: tuple[NamedCluster, ...], tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    if clusters:
        return from_file(clusters, tier, split, settings, seeds)
    if settings.get("suite", MIXED) == PUBLISHED:
        return published(seeds, tier)
    return [generated(recipe, tier, seeds) for recipe in recipes(tier, split, settings)]


def check_effect(told: Mapping[str, ParameterValue]) -> None:
    """Nothing, if all that was set has an effect.

    Raises:
        ContractError: A drawn fleet is set beside a recorded or a public one, or a jitter of neither.
    """
    drawn = [name for name in (*FLEET, "budget") if name in told]
    public = told.get("suite", MIXED) == PUBLISHED
    if told.get("cluster") and (drawn or public):
        raise ContractError(f"cluster: says what there is; expected no {(*drawn, 'suite')[0]} beside it")
    if public and drawn:
        raise ContractError(f"suite: the public instances are as they are; expected no {drawn[0]} beside them")
    if "jitter" in told and not told.get("cluster"):
        raise ContractError("jitter: counts only for clusters of a file; set cluster too, or leave it out")


def check_recipes(told: Mapping[str, ParameterValue]) -> None:
    """Nothing, if scenarios can be drawn; one of each regime is tried where the user set something.

    Raises:
        ContractError: They are too large, or none can be drawn.
    """
    if not told:
        return
    for split in (Split.SEARCH, Split.HOLDOUT):
        seeds = SeedSource(secret_from_seed(0), split)
        for recipe in recipes(Tier.QUICK, split, told)[: len(SEARCH_REGIMES)]:
            check_size(recipe)
            generated(recipe, Tier.QUICK, seeds)


PROBLEM = SuiteProblem(task=TASK, read=_read, check=_check, draw=_draw, report=report)
