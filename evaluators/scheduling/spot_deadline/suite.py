"""Which jobs make up each tier and split.

Search, validation and hold-out have zones, deadlines, overheads and prices of their own, except where the user fixed
them; validation lies between the two others, so that a champion is not chosen on the places it was bred on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluators.contract import ContractError, Split, Tier
from evaluators.problem import Settings
from evaluators.scheduling.spot_deadline.availability import CALM, FITTED_ZONES, Weather, Zone, draw_availability
from evaluators.scheduling.spot_deadline.job import Job, job_of_hours
from evaluators.scheduling.spot_deadline.parameters import (
    ON_DEMAND_USD_PER_H,
    SPOT_FRACTION,
    TICK_S,
    USD_PER_GB,
    WORK_H,
)
from evaluators.scheduling.spot_deadline.scenario import Scenario, build_scenario
from evaluators.scheduling.spot_deadline.trace import Trace
from evaluators.seeding import SeedSource

LEAST_SAVING = 0.1  # a job whose optimum saves less is drawn again: its score would be noise
MOST_DRAWS = 40
SMOKE_WORK_H = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A kind of place to run in."""

    name: str
    zones: tuple[Zone, ...]  # the regions are drawn from these
    regions: int = 1
    weather: Weather = CALM
    spot_fractions: tuple[float, float] = (SPOT_FRACTION, SPOT_FRACTION)  # of the on-demand price, by region
    dearest: float = 1.0  # on-demand prices elsewhere are up to this times that of region 0
    checkpoint_gb: float = 50.0


def _fitted(*names: str) -> tuple[Zone, ...]:
    return tuple(FITTED_ZONES[name] for name in names)


SEARCH_REGIMES = (
    Regime(name="scarce", zones=_fitted("us-east-1a", "us-east-1c", "us-east-1d")),
    Regime(name="fair", zones=_fitted("us-east-1f", "us-east-2a", "us-east-2b")),
    Regime(name="plenty", zones=_fitted("us-west-2a", "us-west-2b", "us-west-2c")),
    Regime(
        name="regions",
        zones=tuple(FITTED_ZONES.values()),
        regions=3,
        weather=Weather(log_odds_sd=0.7, shared=0.2),
        spot_fractions=(0.25, 0.45),
        dearest=1.2,
    ),
    Regime(
        name="shared",
        zones=tuple(FITTED_ZONES.values()),
        regions=3,
        weather=Weather(log_odds_sd=1.4, shared=0.9),
        spot_fractions=(0.25, 0.45),
        dearest=1.2,
    ),
)
_OTHER_ZONES = (Zone(0.25, 8.0), Zone(0.36, 14.0), Zone(0.52, 7.0), Zone(0.64, 16.0), Zone(0.81, 9.0), Zone(0.94, 3.0))
HOLDOUT_REGIMES = (
    Regime(name="thin", zones=_OTHER_ZONES[:2]),
    Regime(name="middle", zones=_OTHER_ZONES[2:4]),
    Regime(name="dense", zones=_OTHER_ZONES[4:]),
    Regime(
        name="two",
        zones=_OTHER_ZONES[:4],
        regions=2,
        weather=Weather(log_odds_sd=0.7, shared=0.5),
        spot_fractions=(0.2, 0.6),
        dearest=1.3,
        checkpoint_gb=200.0,
    ),
    Regime(
        name="five",
        zones=_OTHER_ZONES[:4],
        regions=5,
        weather=Weather(log_odds_sd=1.4, shared=0.7),
        spot_fractions=(0.2, 0.6),
        dearest=1.3,
        checkpoint_gb=200.0,
    ),
)
_BETWEEN = tuple(  # half way from a fitted zone to one of the hold-out
    Zone((a.availability + b.availability) / 2, (a.flips_per_day + b.flips_per_day) / 2)
    for a, b in zip(
        _fitted("us-east-1a", "us-east-1d", "us-east-1f", "us-east-2b", "us-west-2a", "us-west-2b"),
        _OTHER_ZONES,
        strict=True,
    )
)
VALIDATION_REGIMES = (
    Regime(name="rare", zones=_BETWEEN[:2]),
    Regime(name="half", zones=_BETWEEN[2:4]),
    Regime(name="frequent", zones=_BETWEEN[4:]),
    Regime(
        name="pair",
        zones=_BETWEEN[:5],
        regions=2,
        weather=Weather(log_odds_sd=0.9, shared=0.35),
        spot_fractions=(0.22, 0.52),
        dearest=1.25,
        checkpoint_gb=100.0,
    ),
    Regime(
        name="four",
        zones=_BETWEEN[:5],
        regions=4,
        weather=Weather(log_odds_sd=1.2, shared=0.8),
        spot_fractions=(0.22, 0.52),
        dearest=1.25,
        checkpoint_gb=100.0,
    ),
)
REGIMES = {
    Split.SEARCH: SEARCH_REGIMES,
    Split.VALIDATION: VALIDATION_REGIMES,
    Split.HOLDOUT: HOLDOUT_REGIMES,
    Split.REPORT: SEARCH_REGIMES,
}
# (deadline over work, hours of overhead). Search: the deadlines of 52, 60, 70 and 92 h for 48 h of work that the
# literature uses; the hold-out has tighter, wider and other ones between, and validation others again.
SEARCH_TERMS = ((52 / 48, 0.05), (70 / 48, 0.2), (60 / 48, 0.2), (92 / 48, 0.2), (52 / 48, 0.2), (70 / 48, 0.05))
HOLDOUT_TERMS = ((56 / 48, 0.13), (64 / 48, 0.33), (80 / 48, 0.13), (51 / 48, 0.13), (110 / 48, 0.33), (56 / 48, 0.33))
VALIDATION_TERMS = (
    (54 / 48, 0.09),
    (67 / 48, 0.26),
    (58 / 48, 0.26),
    (100 / 48, 0.26),
    (53 / 48, 0.26),
    (75 / 48, 0.09),
)
TERMS = {
    Split.SEARCH: SEARCH_TERMS,
    Split.VALIDATION: VALIDATION_TERMS,
    Split.HOLDOUT: HOLDOUT_TERMS,
    Split.REPORT: SEARCH_TERMS,
}
NUM_INSTANCES = {Tier.SMOKE: 5, Tier.QUICK: 40, Tier.FULL: 120, Tier.REPORT: 300}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the draws of one scenario."""

    name: str
    regime: Regime
    regions: int
    deadline_h: float
    overhead_h: float


def recipes(tier: Tier, split: Split, settings: Settings, trace: Trace | None = None) -> Sequence[Recipe]:
    """The scenarios of a tier and split; names repeat from one secret to the next."""
    regimes = _regimes(split, settings, trace)
    terms = TERMS[split]
    found = []
    for index in range(NUM_INSTANCES[tier]):
        turn, place = divmod(index, len(regimes))
        ratio, overhead_h = terms[(turn + place) % len(terms)]
        regime = regimes[place]
        found.append(
            Recipe(
                name=f"{regime.name}-{turn}",
                regime=regime,
                regions=int(settings.get("regions", regime.regions)),
                deadline_h=float(settings.get("deadline_h", 0.0)) or ratio * _work_h(tier, settings),
                overhead_h=float(settings.get("overhead_h", overhead_h)),
            )
        )
    return found


def scenario(
    recipe: Recipe, tier: Tier, split: Split, settings: Settings, trace: Trace | None, seeds: SeedSource
) -> Scenario:
    """The job and its availability, drawn until there is something to save.

    Raises:
        ContractError: In many draws, spot is hardly ever there, or hardly cheaper.
    """
    rng = np.random.default_rng(seeds.instance(recipe.name))
    for _ in range(MOST_DRAWS):
        job = draw_job(recipe, tier, settings, rng)
        if trace is None:
            zones = [recipe.regime.zones[i] for i in _places(len(recipe.regime.zones), recipe.regions, rng)]
            available_TR = draw_availability(zones, recipe.regime.weather, job.deadline, job.tick_s, rng)
        else:
            available_TR = trace.draw(recipe.regions, job.deadline, job.tick_s, split, rng)
        built = build_scenario(recipe.name, recipe.regime.name, job, available_TR, seeds.candidate(recipe.name))
        if built.optimum_usd <= (1.0 - LEAST_SAVING) * job.on_demand_only_usd:
            return built
    raise ContractError(
        f"scenario {recipe.name}: in {MOST_DRAWS} draws no plan saved {100 * LEAST_SAVING:.0f} % of the on-demand "
        "cost; set a higher availability, a lower spot_fraction or a longer deadline_h"
    )


def draw_job(recipe: Recipe, tier: Tier, settings: Settings, rng: np.random.Generator) -> Job:
    """The job with the prices of its regions drawn.

    Raises:
        ContractError: The deadline is shorter than the work and one start.
    """
    regime, regions = recipe.regime, recipe.regions
    home_usd = float(settings.get("on_demand_usd_per_h", ON_DEMAND_USD_PER_H))
    on_demand = home_usd * np.concatenate([[1.0], rng.uniform(1.0, regime.dearest, regions - 1)])
    fractions = rng.uniform(*regime.spot_fractions, regions)
    if "spot_fraction" in settings:
        fractions = np.full(regions, float(settings["spot_fraction"]))
    checkpoint_gb = float(settings.get("checkpoint_gb", regime.checkpoint_gb))
    return job_of_hours(
        work_h=_work_h(tier, settings),
        deadline_h=recipe.deadline_h,
        overhead_h=recipe.overhead_h,
        tick_s=float(settings.get("tick_s", TICK_S)),
        spot_usd_per_h=(home_usd * fractions).tolist(),
        on_demand_usd_per_h=on_demand.tolist(),
        move_usd=checkpoint_gb * float(settings.get("usd_per_gb", USD_PER_GB)),
    )


def _regimes(split: Split, settings: Settings, trace: Trace | None) -> Sequence[Regime]:
    regimes = REGIMES[split]
    if trace is not None:
        return (Regime(name="recorded", zones=(), regions=1, dearest=regimes[-1].dearest),)
    availability = float(settings.get("availability", 0.0))
    if availability:
        zone = Zone(availability, float(settings.get("flips_per_day", 8.0)))
        return [replace(regime, zones=(zone,)) for regime in regimes]
    return regimes


def check_weather(settings: Settings) -> None:
    """Nothing, if all that is said of spot's availability has an effect.

    Raises:
        ContractError: A recorded availability beside a drawn one, or flips of none.
    """
    drawn = float(settings.get("availability", 0.0))
    if settings.get("trace") and (drawn or "flips_per_day" in settings):
        raise ContractError("trace: says when spot is there; expected no availability or flips_per_day beside it")
    if "flips_per_day" in settings and not drawn:
        raise ContractError("flips_per_day: counts only where availability is set; set that too, or leave it out")


def _work_h(tier: Tier, settings: Settings) -> float:
    shortened = tier is Tier.SMOKE and not {"work_h", "deadline_h"} & settings.keys()
    return SMOKE_WORK_H if shortened else float(settings.get("work_h", WORK_H))


def _places(zones: int, regions: int, rng: np.random.Generator) -> list[int]:
    """Which zones the regions are: distinct ones as long as there are enough."""
    order = [int(i) for _ in range(-(-regions // zones)) for i in rng.permutation(zones)]
    return order[:regions]
