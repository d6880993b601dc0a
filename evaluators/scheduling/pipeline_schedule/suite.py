"""Which pipelines make up each tier and split.

Search and validation share regimes, devices and memory and differ by seed; the hold-out has others of all three, except
where the user fixed them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluators.contract import ContractError, Split, Tier
from evaluators.problem import Settings
from evaluators.scheduling.pipeline_schedule.parameters import MIXED
from evaluators.scheduling.pipeline_schedule.pipeline import Pipeline
from evaluators.scheduling.pipeline_schedule.placements import Placement
from evaluators.scheduling.pipeline_schedule.profile import Profile
from evaluators.scheduling.pipeline_schedule.recorded import RECORDED, recorded_pipeline
from evaluators.scheduling.pipeline_schedule.regimes import REGIMES
from evaluators.scheduling.pipeline_schedule.scenario import Scenario, make_scenario
from evaluators.scheduling.pipeline_schedule.stages import Model, Shape, draw_pipeline, links_between
from evaluators.seeding import SeedSource

NUM_INSTANCES = {Tier.SMOKE: 7, Tier.QUICK: 28, Tier.FULL: 56, Tier.REPORT: 112}
SEARCH_DEVICES = (8, 4, 6)
HOLDOUT_DEVICES = (10, 5, 12, 16, 7)
SMOKE_DEVICES = (2, 4, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the random numbers of one scenario."""

    name: str
    regime: str  # a key of REGIMES, or `RECORDED`
    model: Model
    shape: Shape


def drawn(settings: Settings, profile: Profile | None, tier: Tier, split: Split, seeds: SeedSource) -> list[Scenario]:
    """The scenarios of a tier and split."""
    if profile is None:
        return [generated(recipe, settings, seeds) for recipe in recipes(tier, split, settings)]
    scenarios = []
    for index in range(1 if split is Split.REPORT else NUM_INSTANCES[tier]):
        name = f"{RECORDED}-{index}"
        rng = np.random.default_rng(seeds.instance(name))
        pipeline = checked(recorded_pipeline(profile, index, split, settings, rng))
        scenarios.append(make_scenario(name, RECORDED, pipeline, candidate_seed=seeds.candidate(name)))
    return scenarios


def recipes(tier: Tier, split: Split, settings: Settings) -> list[Recipe]:
    """The generated scenarios of a tier and split; names repeat from one secret to the next."""
    regimes = regimes_of(split, settings)
    found = []
    for index in range(NUM_INSTANCES[tier]):
        turn, place = divmod(index, len(regimes))
        found.append(_recipe(regimes[place], turn, place, tier, split, settings))
    return found


def regimes_of(split: Split, settings: Settings) -> list[str]:
    """The regimes of a split, or the one that the user chose."""
    chosen = str(settings.get("pattern", MIXED))
    own = [name for name, one in REGIMES.items() if (one.split is Split.HOLDOUT) == (split is Split.HOLDOUT)]
    return own if chosen == MIXED else [chosen]


def generated(recipe: Recipe, settings: Settings, seeds: SeedSource) -> Scenario:
    """The scenario of a recipe."""
    rng = np.random.default_rng(seeds.instance(recipe.name))
    pipeline = as_told(draw_pipeline(recipe.model, recipe.shape, rng), settings)
    return make_scenario(recipe.name, recipe.regime, pipeline, candidate_seed=seeds.candidate(recipe.name))


def as_told(pipeline: Pipeline, settings: Settings) -> Pipeline:
    """The pipeline with the links and capacities that the user set.

    Raises:
        ContractError: A device cannot hold one micro-batch.
    """
    link, capacity = int(settings.get("link_us", -1)), int(settings.get("capacity_mb", 0))
    if link >= 0:
        link_us_S = links_between(pipeline.device_S, np.full(pipeline.stages, link, dtype=np.int64))
        pipeline = replace(pipeline, link_us_S=link_us_S)
    if capacity:
        pipeline = replace(pipeline, capacity_mb_D=np.full(pipeline.devices, capacity, dtype=np.int64))
    return checked(pipeline)


def checked(pipeline: Pipeline) -> Pipeline:
    """The pipeline, if every device can hold a micro-batch.

    Raises:
        ContractError: One cannot.
    """
    if pipeline.in_flight < 1:
        device = int((pipeline.capacity_mb_D - pipeline.whole_mb_D).argmin())
        raise ContractError(
            f"capacity_mb: one micro-batch takes up to {pipeline.whole_mb_D[device]} MB on a device; expected so much "
            f"or more, found {pipeline.capacity_mb_D[device]}"
        )
    return pipeline


def _recipe(name: str, turn: int, place: int, tier: Tier, split: Split, settings: Settings) -> Recipe:
    """The `turn`-th scenario of a regime; `place` shifts the values that the regimes take in turns."""
    regime = REGIMES[name]
    own = HOLDOUT_DEVICES if split is Split.HOLDOUT else SEARCH_DEVICES
    sizes = SMOKE_DEVICES if tier is Tier.SMOKE else own
    devices = int(settings.get("devices", 0)) or sizes[(turn + place) % len(sizes)]
    batches = regime.batches[(turn + turn // 3 + place) % len(regime.batches)]
    backward = str(settings.get("backward", MIXED))
    told = str(settings.get("placement", MIXED))
    return Recipe(
        name=f"{name}-{turn}",
        regime=name,
        model=regime.model if backward == MIXED else replace(regime.model, fused=backward == "fused"),
        shape=Shape(
            devices=devices,
            chunks=int(settings.get("chunks", 0)) or regime.chunks[turn % len(regime.chunks)],
            placement=regime.placement if told == MIXED else Placement(told),
            micro_batches=int(settings.get("micro_batches", 0)) or max(2, round(batches * devices)),
            memory=float(settings.get("memory", 0.0)) or regime.memory[(turn + turn // 9) % len(regime.memory)],
        ),
    )
