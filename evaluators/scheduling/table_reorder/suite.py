"""Which tables and caches make up each tier and split.

Search and validation share schemas, sizes and caches and differ by seed; the hold-out has others of all three, except
where the user fixed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.contract import ContractError, Split, Tier
from evaluators.problem import Settings
from evaluators.scheduling.table_reorder.cache import Cache
from evaluators.scheduling.table_reorder.parameters import DEFAULT_ROWS, MIXED
from evaluators.scheduling.table_reorder.patterns import PATTERNS
from evaluators.scheduling.table_reorder.recorded import Recording
from evaluators.scheduling.table_reorder.scenario import Scenario, make_scenario
from evaluators.scheduling.table_reorder.table import Table
from evaluators.seeding import SeedSource

NUM_INSTANCES = {Tier.SMOKE: 7, Tier.QUICK: 28, Tier.FULL: 56, Tier.REPORT: 112}
SEARCH_SIZES = (400, 250, 600, 200, 800)
HOLDOUT_SIZES = (500, 1000, 300, 700, 1500)
SMOKE_SIZES = (40, 2, 12, 30, 25, 60, 20)
SERVER = "server"  # the regime of engines that serve several prompts at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A cache, its capacity in prompts of the table's mean length."""

    block: int
    prompts: int  # 0: all of them
    in_flight: int


PAPER = Engine(block=1, prompts=0, in_flight=1)  # any earlier prompt, in tokens
SEARCH_ENGINES = (PAPER, Engine(block=16, prompts=8, in_flight=1))
HOLDOUT_ENGINES = (Engine(block=1, prompts=2, in_flight=1), Engine(block=32, prompts=24, in_flight=1))
SEARCH_SERVERS = (Engine(block=16, prompts=64, in_flight=8), Engine(block=16, prompts=32, in_flight=16))
HOLDOUT_SERVERS = (
    Engine(block=16, prompts=24, in_flight=4), Engine(block=64, prompts=120, in_flight=32),
    Engine(block=32, prompts=40, in_flight=12),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the random numbers of one scenario."""

    name: str
    regime: str
    pattern: str  # a key of PATTERNS
    turn: int  # which of the pattern's variants
    size: int
    engine: Engine


def recipes(tier: Tier, split: Split, settings: Settings) -> Sequence[Recipe]:
    """The drawn scenarios of a tier and split; names repeat from one secret to the next."""
    patterns = _patterns(split, settings)
    return [_recipe(index, tier, split, settings, patterns) for index in range(NUM_INSTANCES[tier])]


def generated(recipe: Recipe, settings: Settings, seeds: SeedSource) -> Scenario:
    """The scenario of a recipe."""
    variants = PATTERNS[recipe.pattern].variants
    rng = np.random.default_rng(seeds.instance(recipe.name))
    table = variants[recipe.turn % len(variants)](recipe.size, rng)
    return _scenario(recipe.name, recipe.regime, table, recipe.engine, settings, seeds)


def from_recording(
    recording: Recording, tier: Tier, split: Split, settings: Settings, seeds: SeedSource
) -> list[Scenario]:
    """The table as it is in the report split; elsewhere parts of it, to the tier's number."""
    size = int(settings.get("rows", 0)) or DEFAULT_ROWS
    if split is Split.REPORT:
        return [_scenario(name, "recorded", table, PAPER, settings, seeds) for name, table in recording.whole(size)]
    engines = _engines(split)
    scenarios = []
    for index in range(NUM_INSTANCES[tier]):
        name = f"recorded-{index}"
        table = recording.part(size, split, np.random.default_rng(seeds.instance(name)))
        scenarios.append(_scenario(name, "recorded", table, engines[index % len(engines)], settings, seeds))
    return scenarios


def check_settings(settings: Settings, recording: Recording | None) -> None:
    """Nothing, if all that was set has an effect.

    Raises:
        ContractError: Something was set that counts for nothing, or that cannot be.
    """
    if recording is not None and "pattern" in settings:
        raise ContractError("table: says what the rows are; expected no pattern beside it")
    if int(settings.get("rows", 0)) == 1:
        raise ContractError("rows: expected two or more, found 1: there is nothing to order")
    block, capacity = int(settings.get("block", 0)), int(settings.get("capacity", 0))
    if 0 < capacity < block:
        raise ContractError(f"capacity: expected at least one block of {block} tokens, found {capacity}")


def cache_of(engine: Engine, table: Table, settings: Settings) -> Cache:
    """The cache in tokens; it holds at least the longest prompt, and whole blocks."""
    block = int(settings.get("block", 0)) or engine.block
    prompts = engine.prompts or table.num_rows
    capacity = int(settings.get("capacity", 0)) or -(-table.tokens * prompts // table.num_rows)
    capacity = max(capacity, int(table.lengths_NC.sum(axis=1).max()))
    in_flight = int(settings.get("in_flight", 0)) or engine.in_flight
    return Cache(block=block, capacity=-(-capacity // block) * block, in_flight=in_flight)


def _recipe(index: int, tier: Tier, split: Split, settings: Settings, patterns: Sequence[str]) -> Recipe:
    regimes = [*patterns, SERVER] if len(patterns) > 1 else patterns
    turn, place = divmod(index, len(regimes))
    regime = regimes[place]
    sizes = SMOKE_SIZES if tier is Tier.SMOKE else HOLDOUT_SIZES if _held_out(split) else SEARCH_SIZES
    size = int(settings.get("rows", 0)) or sizes[(index if tier is Tier.SMOKE else turn + place) % len(sizes)]
    if regime == SERVER:
        servers = HOLDOUT_SERVERS if _held_out(split) else SEARCH_SERVERS
        return Recipe(
            name=f"{regime}-{turn}",
            regime=regime,
            pattern=patterns[turn % len(patterns)],
            turn=turn // len(patterns),
            size=size,
            engine=servers[turn % len(servers)],
        )
    engines = (HOLDOUT_ENGINES if _held_out(split) else SEARCH_ENGINES) if len(patterns) > 1 else _engines(split)
    engine = engines[(turn // 2 + turn) % len(engines)]  # each variant meets each engine
    return Recipe(name=f"{regime}-{turn}", regime=regime, pattern=regime, turn=turn, size=size, engine=engine)


def _patterns(split: Split, settings: Settings) -> Sequence[str]:
    chosen = str(settings.get("pattern", MIXED))
    mixed = [name for name, pattern in PATTERNS.items() if (pattern.split is Split.HOLDOUT) == _held_out(split)]
    return mixed if chosen == MIXED else [chosen]


def _engines(split: Split) -> Sequence[Engine]:
    """All of a split, in turns, where there is one regime only."""
    if _held_out(split):
        return (*HOLDOUT_ENGINES, *HOLDOUT_SERVERS)
    return (*SEARCH_ENGINES, *SEARCH_SERVERS)


def _held_out(split: Split) -> bool:
    return split is Split.HOLDOUT


def _scenario(name: str, regime: str, table: Table, engine: Engine, settings: Settings, seeds: SeedSource) -> Scenario:
    cache = cache_of(engine, table, settings)
    return make_scenario(name, regime, table, cache, candidate_seed=seeds.candidate(name))
