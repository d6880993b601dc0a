"""Which graphs make up each tier and split.

Search and validation share shapes and machines and differ by seed; the hold-out has others of both, except where the
user fixed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.contract import Split, Tier
from evaluators.problem import Settings
from evaluators.scheduling.task_graph.parameters import JITTER, MIXED
from evaluators.scheduling.task_graph.platforms import Machine, assemble
from evaluators.scheduling.task_graph.recorded import Recording
from evaluators.scheduling.task_graph.scenario import Scenario, make_scenario
from evaluators.scheduling.task_graph.shapes import outline_of
from evaluators.seeding import SeedSource

NUM_INSTANCES = {Tier.SMOKE: 7, Tier.QUICK: 28, Tier.FULL: 56, Tier.REPORT: 112}
SMOKE_SIZES = (12, 4, 20, 8, 30)
RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """What the scenarios of one shape run on, in turns."""

    shape: str
    platforms: tuple[str, ...]
    ccrs: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The values that a split draws its scenarios from, in turns."""

    regimes: tuple[Regime, ...]
    sizes: tuple[int, ...]
    processors: tuple[int, ...]
    heterogeneities: tuple[float, ...]


SEARCH = World(
    regimes=(
        Regime(shape="random", platforms=("unrelated",), ccrs=(1.0, 0.1, 5.0)),
        Regime(shape="fourier", platforms=("related",), ccrs=(0.3, 1.0, 3.0)),
        Regime(shape="gaussian", platforms=("unrelated",), ccrs=(2.0, 0.2, 0.7)),
        Regime(shape="cholesky", platforms=("gpus",), ccrs=(0.02, 0.05)),
        Regime(shape="montage", platforms=("nodes",), ccrs=(0.3, 1.0, 3.0)),
        Regime(shape="inference", platforms=("related", "gpus"), ccrs=(0.5, 0.02, 2.0, 0.05)),
        Regime(shape="streams", platforms=("chip",), ccrs=(0.1, 0.5)),
    ),
    sizes=(60, 100, 40, 150),
    processors=(8, 4, 6),
    heterogeneities=(1.0, 0.5),
)
HOLDOUT = World(
    regimes=(
        Regime(shape="stretched", platforms=("unrelated", "related"), ccrs=(0.5, 2.0, 8.0)),
        Regime(shape="lu", platforms=("gpus",), ccrs=(0.03, 0.01)),
        Regime(shape="qr", platforms=("nodes",), ccrs=(1.5, 0.4)),
        Regime(shape="epigenomics", platforms=("nodes",), ccrs=(0.5, 2.0)),
        Regime(shape="training", platforms=("related", "chip"), ccrs=(0.5, 0.2, 2.0)),
        Regime(shape="fork_join", platforms=("unrelated",), ccrs=(0.2, 1.5, 4.0)),
    ),
    sizes=(80, 200, 50, 120, 250),
    processors=(12, 5, 16, 3, 10),
    heterogeneities=(1.4, 0.2, 1.8),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the random numbers of one scenario."""

    name: str
    regime: str  # a key of SHAPES, or "recorded"
    size: int
    machine: Machine


def recipes(tier: Tier, split: Split, settings: Settings, *, recorded: bool = False) -> Sequence[Recipe]:
    """The scenarios of a tier and split; names repeat from one secret to the next."""
    world = HOLDOUT if split is Split.HOLDOUT else SEARCH
    regimes = _regimes(world, settings, recorded)
    found = []
    for index in range(NUM_INSTANCES[tier]):
        turn, place = divmod(index, len(regimes))
        name = RECORDED if recorded else regimes[place].shape
        found.append(
            Recipe(
                name=f"{name}-{turn}",
                regime=name,
                size=int(settings.get("tasks", 0)) or _size(world, tier, turn, place),
                machine=_machine(world, regimes[place], turn, place, settings),
            )
        )
    return found


def generated(recipe: Recipe, seeds: SeedSource) -> Scenario:
    """The scenario of a recipe."""
    rng = np.random.default_rng(seeds.instance(recipe.name))
    graph = assemble(outline_of(recipe.regime, recipe.size, rng), recipe.machine, rng)
    return make_scenario(recipe.name, recipe.regime, graph, candidate_seed=seeds.candidate(recipe.name))


def from_recording(
    recording: Recording, tier: Tier, split: Split, settings: Settings, seeds: SeedSource
) -> list[Scenario]:
    """The user's graph: as it is in the report split, elsewhere with times and data that vary."""
    jitter = 0.0 if split is Split.REPORT else float(settings.get("jitter", JITTER))
    scenarios = []
    for recipe in recipes(tier, split, settings, recorded=True):
        rng = np.random.default_rng(seeds.instance(recipe.name))
        graph = recording.drawn(recipe.machine, jitter, rng)
        scenarios.append(make_scenario(recipe.name, recipe.regime, graph, candidate_seed=seeds.candidate(recipe.name)))
    return scenarios[: recording.variants] if split is Split.REPORT else scenarios


def _regimes(world: World, settings: Settings, recorded: bool) -> Sequence[Regime]:
    if recorded:
        return [Regime(shape=RECORDED, platforms=("unrelated", "related", "nodes"), ccrs=(1.0, 0.1, 5.0))]
    told = str(settings.get("shape", MIXED))
    if told == MIXED:
        return world.regimes
    own = [regime for regime in (*SEARCH.regimes, *HOLDOUT.regimes) if regime.shape == told]
    return [Regime(shape=told, platforms=own[0].platforms, ccrs=own[0].ccrs)]


def _size(world: World, tier: Tier, turn: int, place: int) -> int:
    sizes = SMOKE_SIZES if tier is Tier.SMOKE else world.sizes
    return sizes[(turn + place) % len(sizes)]


def _machine(world: World, regime: Regime, turn: int, place: int, settings: Settings) -> Machine:
    ccr, heterogeneity = (float(settings.get(name, -1.0)) for name in ("ccr", "heterogeneity"))
    platform = str(settings.get("platform", MIXED))
    return Machine(
        platform=regime.platforms[turn % len(regime.platforms)] if platform == MIXED else platform,
        processors=int(settings.get("processors", 0)) or world.processors[(turn + place) % len(world.processors)],
        ccr=ccr if ccr >= 0 else regime.ccrs[turn % len(regime.ccrs)],
        heterogeneity=heterogeneity
        if heterogeneity >= 0
        else world.heterogeneities[(turn // 2 + place) % len(world.heterogeneities)],
    )
