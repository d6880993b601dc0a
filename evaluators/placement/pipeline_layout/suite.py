"""Which networks make up each tier and split.

Search and validation share regimes and differ by seed; the hold-out has other sizes, other links and other cards,
except where the user fixed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluators.contract import ContractError, Split, Tier
from evaluators.placement.pipeline_layout.draw import (
    A10,
    A100,
    H100,
    L4,
    RTX3090,
    RTX4090,
    T4,
    V100,
    V100_16,
    Regime,
    draw_job,
    draw_network,
)
from evaluators.placement.pipeline_layout.job import Job
from evaluators.placement.pipeline_layout.network import Network
from evaluators.placement.pipeline_layout.network_file import Recording, jittered
from evaluators.placement.pipeline_layout.parameters import JITTER
from evaluators.placement.pipeline_layout.plan import in_order
from evaluators.placement.pipeline_layout.scenario import Scenario, make_scenario
from evaluators.problem import Settings
from evaluators.seeding import SeedSource, secret_from_seed

MOST_DRAWS = 200
LEAST_GAIN = 1.1  # the bound must allow so many times the speed of the weak baseline
NUM_INSTANCES = {Tier.SMOKE: 5, Tier.QUICK: 20, Tier.FULL: 60, Tier.REPORT: 200}
SMOKE_DEVICES = 6
SEQUENCE = 2048

SEARCH_REGIMES = (
    Regime(
        name="rack",
        devices=(16, 24),
        sites=5,
        regions=1,
        cards=(A100,),
        gbit=(1200.0, 100.0, 100.0),
        latency_ms=(0.01, 0.05, 0.05),
        spread=0.1,
    ),
    Regime(
        name="zones",
        devices=(14, 20),
        sites=5,
        regions=2,
        cards=(V100, A10, A100),
        gbit=(25.0, 10.0, 5.0),
        latency_ms=(0.1, 1.0, 2.0),
    ),
    Regime(
        name="continent",
        devices=(14, 20),
        sites=6,
        regions=4,
        cards=(V100,),
        gbit=(10.0, 5.0, 1.5),
        latency_ms=(0.1, 2.0, 30.0),
        spread=0.4,
    ),
    Regime(
        name="world",
        devices=(12, 20),
        sites=8,
        regions=8,
        cards=(V100,),
        gbit=(2.0, 1.0, 0.6),
        latency_ms=(1.0, 10.0, 120.0),
        spread=0.5,
        micro_batches=(128, 256),
    ),
    Regime(
        name="mixed",
        devices=(14, 20),
        sites=4,
        regions=2,
        cards=(T4, V100, A10, A100),
        gbit=(50.0, 25.0, 10.0),
        latency_ms=(0.05, 0.5, 5.0),
        scattered=True,
    ),
)
HOLDOUT_REGIMES = (
    Regime(
        name="nics",
        devices=(24, 32),
        sites=3,
        regions=3,
        cards=(A100,),
        gbit=(200.0, 25.0, 10.0),
        latency_ms=(0.01, 0.1, 0.1),
    ),
    Regime(
        name="two_sites",
        devices=(20, 32),
        sites=2,
        regions=2,
        cards=(A100, H100),
        gbit=(100.0, 10.0, 2.0),
        latency_ms=(0.05, 1.0, 15.0),
        spread=0.5,
    ),
    Regime(
        name="volunteers",
        devices=(18, 26),
        sites=26,
        regions=5,
        cards=(RTX3090, RTX4090),
        gbit=(1.0, 0.5, 0.3),
        latency_ms=(1.0, 15.0, 90.0),
        scattered=True,
        spread=0.5,
        uneven=0.3,
        upload=0.3,
        micro_batches=(128, 512),
    ),
    Regime(
        name="leftovers",
        devices=(24, 32),
        sites=6,
        regions=2,
        cards=(T4, V100_16, L4, A100),
        gbit=(40.0, 10.0, 2.0),
        latency_ms=(0.1, 0.5, 10.0),
        scattered=True,
        uneven=0.15,
    ),
    Regime(
        name="far",
        devices=(32, 40),
        sites=10,
        regions=10,
        cards=(V100, V100_16),
        gbit=(5.0, 2.0, 1.0),
        latency_ms=(0.2, 10.0, 80.0),
        spread=0.6,
        micro_batches=(128, 256, 512),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the draws of one scenario."""

    name: str
    regime: Regime


def recipes(tier: Tier, split: Split, settings: Settings) -> Sequence[Recipe]:
    """The scenarios of a tier and split; names repeat from one secret to the next."""
    regimes = HOLDOUT_REGIMES if split is Split.HOLDOUT else SEARCH_REGIMES
    number = int(settings.get("devices", 0))
    found = []
    for index in range(NUM_INSTANCES[tier]):
        turn, place = divmod(index, len(regimes))
        regime = regimes[place]
        if number or tier is Tier.SMOKE:
            size = number or SMOKE_DEVICES
            regime = replace(regime, devices=(size, size))
        found.append(Recipe(name=f"{regime.name}-{turn}", regime=regime))
    return found


def generated(recipe: Recipe, settings: Settings, seeds: SeedSource) -> Scenario:
    """A scenario of the recipe, drawn until the weak baseline fits and something can be won.

    Raises:
        ContractError: In many draws there was none.
    """
    rng = np.random.default_rng(seeds.instance(recipe.name))
    sequence = int(settings.get("sequence", SEQUENCE))
    for _ in range(MOST_DRAWS):
        job = fitted(draw_job(recipe.regime, sequence, rng), settings)
        network = draw_network(recipe.regime, rng)
        built = _built(recipe.name, recipe.regime.name, job, network, seeds)
        if built is not None:
            return built
    raise ContractError(
        f"scenario {recipe.name}: in {MOST_DRAWS} draws there was no network on which an even cut of the model fits "
        "and something can be won; set more devices, or a smaller model"
    )


def from_recording(
    recording: Recording, tier: Tier, split: Split, settings: Settings, seeds: SeedSource
) -> list[Scenario]:
    """The network as it is in the report split, elsewhere with jittered rates and speeds; in an order by draw."""
    number = 1 if split is Split.REPORT else NUM_INSTANCES[tier]
    sigma = 0.0 if split is Split.REPORT else float(settings.get("jitter", JITTER))
    scenarios = []
    for turn in range(number):
        name = f"{recording.name}-{turn}"
        rng = np.random.default_rng(seeds.instance(name))
        network = jittered(recording, sigma, rng)
        job = fitted(draw_job(SEARCH_REGIMES[0], int(settings.get("sequence", SEQUENCE)), rng), settings)
        built = _built(name, recording.name, job, network, seeds)
        if built is None:
            raise ContractError(
                f"network {recording.name}: expected memory for a model of {job.layers} layers of width {job.hidden}, "
                "cut evenly, and links or speeds that differ; set layers and hidden, or add devices"
            )
        scenarios.append(built)
    return scenarios


def fitted(job: Job, settings: Settings) -> Job:
    """The job with what the user fixed."""
    return replace(
        job,
        layers=int(settings.get("layers", 0)) or job.layers,
        hidden=int(settings.get("hidden", 0)) or job.hidden,
        micro_batches=int(settings.get("micro_batches", 0)) or job.micro_batches,
    )


def check_settings(settings: Settings, recording: Recording | None) -> None:
    """Nothing where scenarios can be made; one of each regime is tried where the user set something.

    Raises:
        ContractError: Settings without effect, or with which nothing can be played or won.
    """
    if recording is not None and settings.get("devices"):
        raise ContractError("network: says what devices there are; expected no devices beside it")
    if "jitter" in settings and recording is None:
        raise ContractError("jitter: counts only for a network of a file; set network too, or leave it out")
    if int(settings.get("devices", 0)) == 1:
        raise ContractError("devices: expected two or more, found 1: there is nothing to choose")
    for split in (Split.SEARCH, Split.HOLDOUT) if settings else ():
        seeds = SeedSource(secret_from_seed(0), split)
        if recording is not None:
            from_recording(recording, Tier.SMOKE, split, settings, seeds)
            continue
        for recipe in recipes(Tier.QUICK, split, settings)[: len(SEARCH_REGIMES)]:
            generated(recipe, settings, seeds)


def _built(name: str, regime: str, job: Job, network: Network, seeds: SeedSource) -> Scenario | None:
    """The scenario; None where the weak baseline fits nowhere, or leaves too little to win."""
    if in_order(job, network) is None:
        return None
    built = make_scenario(name, regime, job, network, seeds.candidate(name))
    return built if built.weak >= LEAST_GAIN * built.bound else None
