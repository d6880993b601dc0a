"""Which traces make up each tier and split.

Search and validation share regimes and differ by seed; the hold-out has regimes, shapes and machines of its own, except
where the user fixed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from evaluators.contract import ContractError, Split, Tier
from evaluators.placement.tier_cache.parameters import MIXED, MOST_EVENTS, MOST_LOGITS, MOST_OBJECTS, UNSET
from evaluators.placement.tier_cache.patterns import PATTERNS
from evaluators.placement.tier_cache.recorded import Recording
from evaluators.placement.tier_cache.regimes import HOLDOUT, SEARCH, SMOKE, Regime
from evaluators.placement.tier_cache.scenario import Scenario, make_scenario
from evaluators.placement.tier_cache.system import System
from evaluators.placement.tier_cache.workload import draw_trace
from evaluators.problem import Settings
from evaluators.seeding import SeedSource

Value = TypeVar("Value")

NUM_INSTANCES = {Tier.SMOKE: 6, Tier.QUICK: 28, Tier.FULL: 56, Tier.REPORT: 112}
NUM_EVENTS = {Tier.SMOKE: 18, Tier.QUICK: 400, Tier.FULL: 640, Tier.REPORT: 1280}
RECORDED = "recorded"
OWN_HINTS = (0.0, 0.8)  # in turns, for a pattern or a trace that the user named


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the random numbers of one scenario."""

    name: str
    regime: str
    pattern: str  # a key of PATTERNS; empty: the user's trace
    system: System
    steps: int
    hint: float
    lookahead: int


def recipes(tier: Tier, split: Split, settings: Settings, recording: Recording | None = None) -> Sequence[Recipe]:
    """The scenarios of a tier and split; names repeat from one secret to the next."""
    regimes = _regimes(tier, split, settings, recording)
    return [_recipe(index, tier, regimes, settings, recording) for index in range(NUM_INSTANCES[tier])]


def scenario(recipe: Recipe, split: Split, recording: Recording | None, seeds: SeedSource) -> Scenario:
    """The scenario of a recipe."""
    rng = np.random.default_rng(seeds.instance(recipe.name))
    if recording is None:
        trace = draw_trace(PATTERNS[recipe.pattern], recipe.system, recipe.steps, recipe.hint, rng)
    else:
        trace = recording.trace(recipe.system, recipe.steps, recipe.hint, split, rng)
    return make_scenario(
        recipe.name,
        recipe.regime,
        recipe.system,
        trace,
        hint=recipe.hint,
        lookahead=recipe.lookahead,
        candidate_seed=seeds.candidate(recipe.name),
    )


def check_settings(settings: Settings, recording: Recording | None) -> None:
    """Nothing, if all that was set has an effect and every scenario can be played.

    Raises:
        ContractError: Something counts for nothing beside something else, or cannot be.
    """
    if beside := sorted({"layers", "top_k", "pattern"} & settings.keys() if recording else ()):
        raise ContractError(f"trace: says what the model asks for; expected no {', '.join(beside)} beside it")
    if UNSET < float(settings.get("hint", UNSET)) < 0:
        raise ContractError(f"hint: expected 0 to 1, or -1 for the scenario's own, found {settings['hint']}")
    for split in (Split.SEARCH, Split.HOLDOUT):
        for recipe in recipes(Tier.REPORT, split, settings, recording):
            _check_system(recipe.system, settings)
            _check_steps(recipe.system, settings)
            if recording:
                recording.check_length(recipe.steps)


def _check_system(system: System, settings: Settings) -> None:
    shape = f"{system.layers} layers of {system.experts} experts"
    if system.objects > MOST_OBJECTS:
        raise ContractError(f"experts: expected at most {MOST_OBJECTS} in all layers, found {shape}")
    if system.top_k > system.experts:
        raise ContractError(f"top_k: expected at most as many as there are experts, found {system.top_k} and {shape}")
    percent = float(settings.get("capacity", 0.0))
    if percent and system.capacity > round(system.objects * percent / 100):
        raise ContractError(
            f"capacity: {percent:g} % of {shape} is {round(system.objects * percent / 100)} experts; expected room for "
            f"the {system.most_needed} that a layer may need at once and one more"
        )


def _check_steps(system: System, settings: Settings) -> None:
    """A trace is held in memory whole, and its bound looks at every event."""
    steps = int(settings.get("steps", 0))
    most = min(MOST_EVENTS, MOST_LOGITS // (system.experts * system.tokens)) // system.layers
    if steps > most:
        raise ContractError(
            f"steps: expected at most {most} with {system.layers} layers of {system.experts} experts and "
            f"{system.tokens} tokens side by side, found {steps}"
        )


def _recipe(
    index: int, tier: Tier, regimes: Sequence[Regime], settings: Settings, recording: Recording | None
) -> Recipe:
    turn, place = divmod(index, len(regimes))
    regime = regimes[place]
    system = _system(regime, turn, settings)
    hint = float(settings.get("hint", UNSET))
    lookahead = int(settings.get("lookahead", UNSET))
    return Recipe(
        name=f"{regime.name}-{turn}",
        regime=regime.name,
        pattern="" if recording else _turn(regime.patterns, turn),
        system=system,
        steps=int(settings.get("steps", 0)) or max(2, NUM_EVENTS[tier] // system.layers),
        hint=_turn(regime.hints, turn) if hint < 0 else hint,
        lookahead=_turn(regime.lookaheads, turn) if lookahead < 0 else lookahead,
    )


def _regimes(tier: Tier, split: Split, settings: Settings, recording: Recording | None) -> Sequence[Regime]:
    """The suite's, or one for the pattern or the trace that the user named."""
    suite = SMOKE if tier is Tier.SMOKE else HOLDOUT if split is Split.HOLDOUT else SEARCH
    chosen = str(settings.get("pattern", MIXED))
    if recording is None and chosen == MIXED:
        return suite
    own = suite[0]
    return [
        Regime(
            name=RECORDED if recording else chosen,
            patterns=(chosen,),
            shapes=(recording.shape,) if recording else own.shapes,
            speeds=own.speeds,
            capacities=own.capacities,
            hints=OWN_HINTS,
        )
    ]


def _system(regime: Regime, turn: int, settings: Settings) -> System:
    told = {name: int(settings.get(name, 0)) for name in ("layers", "experts", "top_k", "tokens")}
    layers, experts, top_k = _turn(regime.shapes, turn)
    experts = told["experts"] or experts
    load_us, dense_us, expert_us = _turn(regime.speeds, turn)
    system = System(
        layers=told["layers"] or layers,
        experts=experts,
        top_k=told["top_k"] or min(top_k, experts),
        tokens=told["tokens"] or _turn(regime.tokens, turn),
        capacity=0,
        load_us=int(settings.get("load_us", 0)) or load_us,
        dense_us=int(settings.get("dense_us", 0)) or dense_us,
        expert_us=int(settings.get("expert_us", 0)) or expert_us,
    )
    percent = float(settings.get("capacity", 0.0)) or _turn(regime.capacities, turn)
    return system.with_slots(round(system.objects * percent / 100))


def _turn(values: tuple[Value, ...], turn: int) -> Value:
    return values[turn % len(values)]
