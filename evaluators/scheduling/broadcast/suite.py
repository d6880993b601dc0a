"""Which transfers make up each tier and split.

Search and validation share providers, sizes and prices of time, and differ by seed; the hold-out has other providers
and other numbers of everything, except where the user fixed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from evaluators.contract import ContractError, Split, Tier
from evaluators.problem import Settings
from evaluators.scheduling.broadcast.generate import draw_regions, network_of
from evaluators.scheduling.broadcast.grid import Grid
from evaluators.scheduling.broadcast.measured import network_from_grid, sources
from evaluators.scheduling.broadcast.parameters import MACHINE_USD_PER_H, MOST_FLOWS, MOST_REGIONS
from evaluators.scheduling.broadcast.regimes import EDGES, HOLDOUT_REGIMES, ON_A_GRID, SEARCH_REGIMES, Regime
from evaluators.scheduling.broadcast.scenario import Scenario, build_scenario
from evaluators.scheduling.broadcast.transfer import Network, Transfer
from evaluators.seeding import SeedSource

LEAST_SAVING = 0.1  # a transfer whose bound saves less of the direct cost is drawn again: its score would be noise
MOST_DRAWS = 60
NUM_INSTANCES = {Tier.SMOKE: 5, Tier.QUICK: 40, Tier.FULL: 120, Tier.REPORT: 300}

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the draws of one scenario."""

    name: str
    regime: Regime
    regions: int
    destinations: int
    partitions: int
    volume_gb: float
    time_usd_per_h: float
    held_out: bool


def recipes(tier: Tier, split: Split, settings: Settings, grid: Grid | None = None) -> Sequence[Recipe]:
    """The scenarios of a tier and split; names repeat from one secret to the next."""
    held_out = split is Split.HOLDOUT
    regimes: Sequence[Regime] = EDGES if tier is Tier.SMOKE else HOLDOUT_REGIMES if held_out else SEARCH_REGIMES
    if grid is not None and tier is not Tier.SMOKE:
        regimes = [regime for regime in regimes if regime.name in ON_A_GRID]
    found = []
    for index in range(NUM_INSTANCES[tier]):
        turn, place = divmod(index, len(regimes))
        found.append(_recipe(regimes[place], turn, settings, grid, held_out=held_out))
    return found


def _recipe(regime: Regime, turn: int, settings: Settings, grid: Grid | None, *, held_out: bool) -> Recipe:
    most = MOST_REGIONS if grid is None else min(MOST_REGIONS, len(grid.names))
    destinations = int(settings.get("destinations", _turn(regime.destinations, turn)))
    wanted = _turn(regime.regions, turn)
    if "destinations" in settings:
        wanted = max(wanted, destinations + 3)
    regions = int(settings.get("regions", min(wanted, most)))
    if "destinations" not in settings:
        destinations = min(destinations, regions - 1)
    return Recipe(
        name=f"{regime.name}-{turn}",
        regime=regime,
        regions=regions,
        destinations=destinations,
        partitions=int(settings.get("partitions", _turn(regime.partitions, turn))),
        volume_gb=float(settings.get("volume_gb", _turn(regime.volumes_gb, turn))),
        time_usd_per_h=float(settings.get("time_usd_per_h", _turn(regime.time_usd_per_h, turn))),
        held_out=held_out,
    )


def _turn(values: Sequence[Value], turn: int) -> Value:
    """The values in turns."""
    return values[turn % len(values)]


def check_sizes(chosen: Sequence[Recipe], grid: Grid | None) -> None:
    """Nothing, if each transfer fits its network and its bound can be computed in a few seconds.

    Raises:
        ContractError: More destinations than other regions, more regions than the grid has, or too many of both.
    """
    for recipe in chosen:
        regions, destinations = recipe.regions, recipe.destinations
        if destinations > regions - 1:
            raise ContractError(
                f"destinations: expected at most {regions - 1} in a network of {regions} regions, found "
                f"{destinations}; raise regions or lower destinations"
            )
        if grid is not None and regions > len(grid.names):
            raise ContractError(f"regions: grid {grid.path} has {len(grid.names)}, found {regions}; set regions lower")
        if regions * regions * destinations > MOST_FLOWS:
            raise ContractError(
                f"regions: the bound of {destinations} destinations among {regions} regions has "
                f"{regions * regions * destinations} flows, expected at most {MOST_FLOWS}; lower either"
            )


def scenario(recipe: Recipe, settings: Settings, grid: Grid | None, seeds: SeedSource) -> Scenario:
    """The transfer, drawn until there is something to save; at the edges, whose score counts for nothing, anything.

    Raises:
        ContractError: In many draws, going straight to each destination was nearly as cheap as anything can be.
    """
    rng = np.random.default_rng(seeds.instance(recipe.name))
    drawn = []
    for _ in range(MOST_DRAWS):
        transfer = draw_transfer(recipe, settings, grid, rng)
        built = build_scenario(recipe.name, recipe.regime.name, transfer, seeds.candidate(recipe.name))
        if built.bound_usd <= (1.0 - LEAST_SAVING) * built.direct.usd:
            return built
        drawn.append(built)
    best = min(drawn, key=lambda built: built.bound_usd / built.direct.usd)
    if recipe.regime in EDGES:
        return best
    raise ContractError(
        f"scenario {recipe.name}: in {MOST_DRAWS} draws no plan can save {100 * LEAST_SAVING:.0f} % of the cost of "
        "sending straight to each destination; set more regions or destinations, or a higher time_usd_per_h"
    )


def draw_transfer(recipe: Recipe, settings: Settings, grid: Grid | None, rng: np.random.Generator) -> Transfer:
    """A network, and who sends to whom in it."""
    if grid is None:
        network, source = _drawn_network(recipe, settings, rng), int(rng.integers(recipe.regions))
    else:
        chosen, source = sources(grid, recipe.regions, rng, held_out=recipe.held_out)
        network = network_from_grid(grid, chosen, _machines(recipe, settings, rng), settings)
    others = [region for region in rng.permutation(recipe.regions).tolist() if region != source]
    return Transfer(
        network=network,
        source=source,
        destinations=tuple(sorted(others[: recipe.destinations])),
        volume_gb=recipe.volume_gb,
        partitions=recipe.partitions,
        time_usd_per_h=recipe.time_usd_per_h,
    )


def _drawn_network(recipe: Recipe, settings: Settings, rng: np.random.Generator) -> Network:
    regime = recipe.regime
    order = rng.permutation(len(regime.providers))[: regime.clouds]
    providers = [regime.providers[int(index)] for index in order]
    regions = draw_regions(providers, recipe.regions, rng, regime.continents)
    usd_per_h = float(settings.get("machine_usd_per_h", MACHINE_USD_PER_H))
    return network_of(regions, _machines(recipe, settings, rng), usd_per_h, rng)


def _machines(recipe: Recipe, settings: Settings, rng: np.random.Generator) -> list[int]:
    """How many each region has."""
    if "machines" in settings:
        return [int(settings["machines"])] * recipe.regions
    return [int(count) for count in rng.choice(recipe.regime.machines, recipe.regions)]
