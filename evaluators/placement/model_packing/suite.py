"""Which clusters make up each tier and split.

Search and validation share regimes and differ by seed; the hold-out has other fleets, other loads, other widths, other
links between size and demand and other budgets, except where the user fixed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from evaluators.contract import ContractError, Split, Tier
from evaluators.placement.model_packing.bound import lone_room, volume_bound
from evaluators.placement.model_packing.cluster import Cluster
from evaluators.placement.model_packing.cluster_file import NamedCluster, jittered
from evaluators.placement.model_packing.draw import PAIRS, Regime, draw_cluster
from evaluators.placement.model_packing.parameters import JITTER, MOST_PARTS, PUBLISHED
from evaluators.placement.model_packing.published import published_clusters
from evaluators.placement.model_packing.scenario import LEAST_SPAN, Scenario, make_scenario
from evaluators.problem import Settings
from evaluators.seeding import SeedSource

MOST_DRAWS = 200
NUM_INSTANCES = {Tier.SMOKE: 5, Tier.QUICK: 25, Tier.FULL: 75, Tier.REPORT: 250}
SMOKE_GPUS = 4
FLEET = ("gpus", "memory_gb", "parts_per_gpu", "load")  # settings that the public recipe has no place for

SEARCH_REGIMES = (
    Regime(name=PAIRS, gpus=(5, 9), memories=((80, 1),), parts_per_gpu=2, load=0.49),
    Regime(name="tight", gpus=(16, 24), memories=((80, 1),), parts_per_gpu=3, load=0.95, size_sd=0.5),
    Regime(
        name="mixed",
        gpus=(24, 40),
        memories=((24, 1), (40, 1), (80, 1), (141, 1)),
        parts_per_gpu=3.5,
        load=0.95,
        size_sd=0.8,
        link=-0.5,
    ),
    Regime(
        name="sharded",
        gpus=(16, 24),
        memories=((80, 2), (141, 1)),
        parts_per_gpu=3,
        load=0.9,
        link=0.6,
        widths=((1, 0.5), (2, 0.25), (4, 0.25)),
    ),
    Regime(
        name="drift",
        gpus=(16, 24),
        memories=((40, 1), (80, 1)),
        parts_per_gpu=4,
        load=0.85,
        drift_sd=0.8,
        arrivals=0.05,
        budget=0.04,
    ),
)
HOLDOUT_REGIMES = (
    Regime(name="few", gpus=(24, 32), memories=((48, 1),), parts_per_gpu=2.5, load=0.88, size_sd=0.4, demand_sd=0.6),
    Regime(
        name="fleet",
        gpus=(48, 64),
        memories=((48, 1), (96, 2), (192, 1)),
        parts_per_gpu=3,
        load=0.94,
        link=0.3,
    ),
    Regime(
        name="hot_small",
        gpus=(32, 40),
        memories=((16, 2), (32, 1), (80, 1)),
        parts_per_gpu=3,
        load=0.93,
        demand_sd=1.2,
        link=-0.8,
    ),
    Regime(
        name="wide",
        gpus=(24, 32),
        memories=((96, 1), (141, 1)),
        parts_per_gpu=3.5,
        load=0.91,
        link=0.8,
        widths=((1, 0.4), (2, 0.3), (8, 0.3)),
    ),
    Regime(
        name="surge",
        gpus=(24, 40),
        memories=((24, 1), (80, 2)),
        parts_per_gpu=4,
        load=0.8,
        demand_sd=1.0,
        link=0.4,
        drift_sd=1.2,
        budget=0.025,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the draws of one scenario."""

    name: str
    regime: Regime


def recipes(tier: Tier, split: Split, settings: Settings) -> Sequence[Recipe]:
    """The scenarios of a tier and split; names repeat from one secret to the next."""
    kept: Sequence[Regime] = HOLDOUT_REGIMES if split is Split.HOLDOUT else SEARCH_REGIMES
    if any(settings.get(name) for name in FLEET):
        kept = tuple(regime for regime in kept if regime.name != PAIRS)
    found = []
    for index in range(NUM_INSTANCES[tier]):
        turn, place = divmod(index, len(kept))
        regime = _small(kept[place]) if tier is Tier.SMOKE else kept[place]
        found.append(Recipe(name=f"{regime.name}-{turn}", regime=_fitted(regime, settings)))
    return found


def generated(recipe: Recipe, tier: Tier, seeds: SeedSource) -> Scenario:
    """A scenario of the recipe, drawn until first fit succeeds, leaves something to win, and no part decides alone.

    Raises:
        ContractError: In many draws there was none.
    """
    rng = np.random.default_rng(seeds.instance(recipe.name))
    regime = recipe.regime
    for _ in range(MOST_DRAWS):
        cluster = draw_cluster(regime, rng)
        if cluster is None or (regime.name != PAIRS and lone_room(cluster) < volume_bound(cluster)):
            continue
        built = make_scenario(recipe.name, regime.name, cluster, seeds.candidate(recipe.name))
        if tier is Tier.SMOKE or built.bound - built.weak >= LEAST_SPAN * built.bound:
            return built
    raise ContractError(
        f"scenario {recipe.name}: in {MOST_DRAWS} draws there was no cluster that first fit can place and that leaves "
        "something to win; set a lower load, or more gpus or parts_per_gpu"
    )


def check_size(recipe: Recipe) -> None:
    """Nothing where the cluster can be made.

    Raises:
        ContractError: Too many parts, or a choice of one GPU.
    """
    regime = recipe.regime
    if regime.gpus[0] < 2:
        raise ContractError("gpus: expected two or more, found 1: there is nothing to choose")
    parts = regime.gpus[1] * regime.parts_per_gpu
    if parts > MOST_PARTS:
        raise ContractError(f"gpus: expected gpus * parts_per_gpu up to {MOST_PARTS}, found {parts:g}")


def published(seeds: SeedSource, tier: Tier) -> list[Scenario]:
    """The fifty public instances; the first five in the smoke tier."""
    played = _public_scenarios()[: NUM_INSTANCES[Tier.SMOKE] if tier is Tier.SMOKE else None]
    return [replace(scenario, candidate_seed=seeds.candidate(scenario.name)) for scenario in played]


@lru_cache(maxsize=1)
def _public_scenarios() -> tuple[Scenario, ...]:
    clusters = published_clusters()
    return tuple(
        make_scenario(f"{PUBLISHED}-{number}", PUBLISHED, cluster, 0) for number, cluster in enumerate(clusters)
    )


def from_file(
    clusters: Sequence[NamedCluster], tier: Tier, split: Split, settings: Settings, seeds: SeedSource
) -> list[Scenario]:
    """The clusters as they are in the report split, elsewhere in turns with jittered rates, to the tier's number."""
    if split is Split.REPORT:
        return [make_scenario(one.name, one.name, one.cluster, seeds.candidate(one.name)) for one in clusters]
    scenarios = []
    for index in range(NUM_INSTANCES[tier]):
        one = clusters[index % len(clusters)]
        name = f"{one.name}-{index // len(clusters)}"
        rng = np.random.default_rng(seeds.instance(name))
        cluster: Cluster = jittered(one.cluster, float(settings.get("jitter", JITTER)), rng)
        scenarios.append(make_scenario(name, one.name, cluster, seeds.candidate(name)))
    return scenarios


def _fitted(regime: Regime, settings: Settings) -> Regime:
    """The regime with what the user fixed."""
    gpus, memory_gb = int(settings.get("gpus", 0)), float(settings.get("memory_gb", 0.0))
    return replace(
        regime,
        gpus=(gpus, gpus) if gpus else regime.gpus,
        memories=((memory_gb, 1.0),) if memory_gb else regime.memories,
        parts_per_gpu=float(settings.get("parts_per_gpu", 0.0)) or regime.parts_per_gpu,
        load=float(settings.get("load", 0.0)) or regime.load,
        budget=float(settings.get("budget", regime.budget)),
    )


def _small(regime: Regime) -> Regime:
    return regime if regime.name == PAIRS else replace(regime, gpus=(SMOKE_GPUS, SMOKE_GPUS))
