"""Which batches make up each tier and split.

Search and validation share patterns, sizes and windows and differ by seed; the hold-out has others of all three, except
where the user fixed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluators.contract import ContractError, Split, Tier
from evaluators.problem import Settings
from evaluators.scheduling.transaction_order.batch import Batch
from evaluators.scheduling.transaction_order.parameters import (
    DEFAULT_ADMIT,
    DEFAULT_TRANSACTIONS,
    DEFAULT_WAITING,
    MIXED,
    UNSET_SKEW,
)
from evaluators.scheduling.transaction_order.patterns import PATTERNS
from evaluators.scheduling.transaction_order.recorded import Recording
from evaluators.scheduling.transaction_order.scenario import Kind, Scenario, Window, make_scenario
from evaluators.scheduling.transaction_order.search import best_found
from evaluators.scheduling.transaction_order.workloads import draw_batch
from evaluators.seeding import SeedSource

NUM_INSTANCES = {Tier.SMOKE: 6, Tier.QUICK: 24, Tier.FULL: 60, Tier.REPORT: 120}
SEARCH_SIZES = (100, 60, 150, 80, 200)
HOLDOUT_SIZES = (120, 220, 70, 300, 160, 90, 250)
SMOKE_SIZES = (12, 1, 2, 30, 9, 20)
SEARCH_WINDOWS = ((24, 2), (16, 1), (40, 4))  # waiting, admitted at a time
HOLDOUT_WINDOWS = ((12, 1), (32, 8), (64, 3))
STREAM = "stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the random numbers of one scenario."""

    name: str
    regime: str
    pattern: str  # a key of PATTERNS; empty: the user's recording
    turn: int  # which of the pattern's variants
    size: int
    window: Window


def recipes(tier: Tier, split: Split, settings: Settings) -> Sequence[Recipe]:
    """The generated scenarios of a tier and split; names repeat from one secret to the next."""
    regimes = _regimes(split, settings)
    return [_recipe(index, tier, split, settings, regimes) for index in range(NUM_INSTANCES[tier])]


def generated(recipe: Recipe, settings: Settings, seeds: SeedSource) -> Scenario:
    """The scenario of a recipe."""
    rng = np.random.default_rng(seeds.instance(recipe.name))
    pattern = PATTERNS[recipe.pattern]
    variants = pattern.with_skew(_skew(recipe.pattern, settings))
    batch = draw_batch(variants[recipe.turn % len(variants)], recipe.size, rng)
    return _scenario(recipe.name, recipe.regime, batch, recipe.window, settings, seeds)


def from_recording(
    recording: Recording, tier: Tier, split: Split, settings: Settings, seeds: SeedSource
) -> list[Scenario]:
    """All batches as they are in the report split; elsewhere parts of them, to the tier's number."""
    if split is Split.REPORT:
        return [
            _scenario(name, "recorded", batch, _window(batch.size, 0, split, settings, Kind.BATCH), settings, seeds)
            for name, batch in recording.whole(_size(settings))
        ]
    scenarios = []
    for index in range(NUM_INSTANCES[tier]):
        name = f"recorded-{index}"
        batch = recording.part(index, _size(settings), split, np.random.default_rng(seeds.instance(name)))
        window = _window(batch.size, index, split, settings, Kind.BATCH)
        scenarios.append(_scenario(name, "recorded", batch, window, settings, seeds))
    return scenarios


def check_settings(settings: Settings, recording: Recording | None) -> None:
    """Nothing, if all that was set has an effect.

    Raises:
        ContractError: Something was set that counts for nothing beside something else.
    """
    pattern = str(settings.get("pattern", MIXED))
    if recording is not None and {"pattern", "skew"} & settings.keys():
        raise ContractError("workload: says what the transactions are; expected no pattern or skew beside it")
    skew = float(settings.get("skew", UNSET_SKEW))
    if skew < 0 and skew != UNSET_SKEW:
        raise ContractError(f"skew: expected 0 or more, or {UNSET_SKEW:g} for the scenario's own, found {skew:g}")
    if skew >= 0 and pattern != MIXED and not PATTERNS[pattern].skewed:
        with_skew = ", ".join(name for name, one in PATTERNS.items() if one.skewed)
        raise ContractError(f"skew: the pattern {pattern} has none; expected one of {with_skew}, or skew left out")
    kind = str(settings.get("kind", MIXED))
    streams = kind == Kind.STREAM or (kind == MIXED and not settings.get("workload"))  # a workload is a batch if unsaid
    if not streams and {"waiting", "admit"} & settings.keys():
        raise ContractError("waiting, admit: count only in a stream; set kind=stream, or leave them out")
    if int(settings.get("transactions", 0)) == 1:
        raise ContractError("transactions: expected two or more, found 1: there is nothing to order")
    if "admit" in settings and int(settings["admit"]) > int(settings.get("waiting", DEFAULT_WAITING)):
        raise ContractError(
            f"admit: expected at most as many as wait ({settings.get('waiting', DEFAULT_WAITING)}), "
            f"found {settings['admit']}"
        )


def _recipe(index: int, tier: Tier, split: Split, settings: Settings, regimes: Sequence[str]) -> Recipe:
    turn, place = divmod(index, len(regimes))
    regime = regimes[place]
    patterns = [name for name, pattern in PATTERNS.items() if (pattern.split is Split.HOLDOUT) == _held_out(split)]
    pattern = patterns[turn % len(patterns)] if regime == STREAM else regime
    chosen = str(settings.get("pattern", MIXED))
    sizes = SMOKE_SIZES if tier is Tier.SMOKE else HOLDOUT_SIZES if _held_out(split) else SEARCH_SIZES
    size = int(settings.get("transactions", 0)) or sizes[(index if tier is Tier.SMOKE else turn + place) % len(sizes)]
    kind = Kind.STREAM if regime == STREAM else Kind.BATCH
    return Recipe(
        name=f"{regime}-{turn}",
        regime=regime,
        pattern=pattern if chosen == MIXED else chosen,
        turn=turn,
        size=size,
        window=_window(size, turn, split, settings, kind),
    )


def _regimes(split: Split, settings: Settings) -> Sequence[str]:
    """Names of patterns, and of the stream, whose batches have all patterns in turns."""
    kind, chosen = str(settings.get("kind", MIXED)), str(settings.get("pattern", MIXED))
    if kind == Kind.STREAM:
        return (STREAM,)
    patterns = [name for name, pattern in PATTERNS.items() if (pattern.split is Split.HOLDOUT) == _held_out(split)]
    named = patterns if chosen == MIXED else [chosen]
    return named if kind == Kind.BATCH else [*named, STREAM]


def _window(size: int, turn: int, split: Split, settings: Settings, kind: Kind) -> Window:
    if settings.get("kind", MIXED) != MIXED:
        kind = Kind(str(settings["kind"]))
    if kind is Kind.BATCH:
        return Window(kind=kind, waiting=size, admit=size)
    windows = HOLDOUT_WINDOWS if _held_out(split) else SEARCH_WINDOWS
    waiting, admit = windows[turn % len(windows)]
    if {"waiting", "admit"} & settings.keys():
        waiting, admit = DEFAULT_WAITING, DEFAULT_ADMIT
    waiting = int(settings.get("waiting", waiting))
    return Window(kind=kind, waiting=waiting, admit=min(int(settings.get("admit", admit)), waiting))


def _skew(name: str, settings: Settings) -> float:
    told = float(settings.get("skew", UNSET_SKEW))
    return told if told >= 0 else PATTERNS[name].skew


def _size(settings: Settings) -> int:
    return int(settings.get("transactions", 0)) or DEFAULT_TRANSACTIONS


def _held_out(split: Split) -> bool:
    return split is Split.HOLDOUT


def _scenario(name: str, regime: str, batch: Batch, window: Window, settings: Settings, seeds: SeedSource) -> Scenario:
    scenario = make_scenario(name, regime, batch, window, candidate_seed=seeds.candidate(name))
    moves = int(settings.get("known_moves", 0))
    return replace(scenario, best_known=best_found(batch, moves)) if moves else scenario
