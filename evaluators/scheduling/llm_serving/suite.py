"""Which scenarios make up each tier and split.

Search and validation share regimes and differ by seed; the hold-out has other models, fleets, loads and mixes, except
where the user fixed them. Loads are shares of the proven capacity bound of the very stream that is played.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluators.contract import ContractError, ParameterValue, Split, Tier
from evaluators.scheduling.llm_serving.bounds import capacity_bound
from evaluators.scheduling.llm_serving.costs import MODELS, CostModel, cost_model
from evaluators.scheduling.llm_serving.fleet import Failure, Fleet, Goal
from evaluators.scheduling.llm_serving.replica import DECODE, MIXED, PREFILL
from evaluators.scheduling.llm_serving.requests import BLOCK_TOKENS, Arrival, checked_arrivals
from evaluators.scheduling.llm_serving.services import SERVICES, Service, scaled, trace_windows
from evaluators.scheduling.llm_serving.traces import TraceRow

Kind = tuple[str, str, int]  # model, gpu, GPUs per replica
SMALL: Kind = ("llama3-8b", "a100", 1)
LARGE: Kind = ("llama3-70b", "a100", 4)
TIGHT: Kind = ("llama2-70b", "a100", 2)  # room for 51k KV tokens
OLD: Kind = ("llama2-70b", "a100", 4)
NEW: Kind = ("llama2-70b", "h100", 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """One kind of scenario."""

    name: str
    service: str = "conversation"
    replicas: tuple[Kind, ...] = (SMALL,) * 4
    prefill_replicas: int = 0  # the first of them compute prompts only, the others decode only; 0: all do both
    load: float = 0.82  # of the proven capacity
    slo_ttft_s: float = 1.0
    slo_tpot_s: float = 0.05
    priority_share: float = 0.0
    prediction_sigma: float = math.inf  # of the logarithm of predicted over true output; no predictions
    fails_at: float = 0.0  # share of the time at which replica 1 fails, back after a quarter of the time; 0: never
    size: float = 1.0  # requests, relative to the tier's
    goal: Goal = Goal.NONE  # beside latency
    small_quality: float = 1.0  # of answers by a model that is not the fleet's largest; the largest's are worth 1


SEARCH_REGIMES = (
    Regime(name="conv-light", load=0.78),
    Regime(name="conv", load=0.88),
    Regime(name="conv-heavy", load=1.02),
    Regime(name="code", service="code", load=0.25, slo_ttft_s=2.0),
    Regime(name="kv-bound", replicas=(TIGHT,) * 4, load=0.55, slo_ttft_s=5.0, slo_tpot_s=0.15),
    Regime(
        name="sessions", service="sessions", replicas=(SMALL,) * 6, load=0.75, slo_ttft_s=10.0, slo_tpot_s=0.1, size=0.7
    ),
    Regime(name="documents", service="documents", load=0.36, slo_ttft_s=5.0, slo_tpot_s=0.1, size=0.7),
    Regime(name="unequal", replicas=(OLD, OLD, NEW), load=0.4, slo_ttft_s=2.0, slo_tpot_s=0.1),
    Regime(name="split", prefill_replicas=2, load=0.6, slo_ttft_s=1.0, slo_tpot_s=0.03),
    Regime(name="priority", load=0.92, priority_share=0.1),
    Regime(name="predicted", replicas=(LARGE,) * 4, load=0.78, slo_ttft_s=2.0, slo_tpot_s=0.1, prediction_sigma=0.6),
    Regime(name="failure", load=0.75, fails_at=0.5),
    Regime(name="power", load=0.45, goal=Goal.ENERGY),
    Regime(name="co-serving", load=0.45, goal=Goal.TUNING),
    Regime(
        name="two-models",
        replicas=(SMALL, SMALL, LARGE, LARGE),
        load=0.5,
        slo_ttft_s=2.0,
        slo_tpot_s=0.1,
        goal=Goal.QUALITY,
        small_quality=0.6,
    ),
)
HOLDOUT_REGIMES = (
    Regime(name="conv-medium", load=0.84, replicas=(SMALL,) * 3),
    Regime(name="conv-70b", replicas=(LARGE,) * 4, load=0.72, slo_ttft_s=2.0, slo_tpot_s=0.1),
    Regime(name="conv-many", replicas=(SMALL,) * 8, load=0.95),
    Regime(name="code-70b", service="code", replicas=(LARGE,) * 3, load=0.15, slo_ttft_s=4.0, slo_tpot_s=0.1),
    Regime(name="kv-bound-three", replicas=(TIGHT,) * 3, load=0.56, slo_ttft_s=5.0, slo_tpot_s=0.2),
    Regime(name="sessions-four", service="sessions", load=0.65, slo_ttft_s=8.0, slo_tpot_s=0.08, size=0.7),
    Regime(
        name="documents-six",
        service="documents",
        replicas=(SMALL,) * 6,
        load=0.4,
        slo_ttft_s=5.0,
        slo_tpot_s=0.1,
        size=0.7,
    ),
    Regime(name="unequal-five", replicas=(OLD, NEW, OLD, NEW, OLD), load=0.5, slo_ttft_s=2.0, slo_tpot_s=0.1),
    Regime(name="split-three", prefill_replicas=3, load=0.6, slo_ttft_s=1.5, slo_tpot_s=0.03),
    Regime(name="priority-third", load=0.88, priority_share=0.3),
    Regime(
        name="predicted-badly", replicas=(TIGHT,) * 4, load=0.55, slo_ttft_s=5.0, slo_tpot_s=0.15, prediction_sigma=1.2
    ),
    Regime(name="mixed-failure", service="mixed", load=0.4, slo_ttft_s=2.0, fails_at=0.3),
    Regime(name="power-70b", replicas=(LARGE,) * 3, load=0.3, slo_ttft_s=2.0, slo_tpot_s=0.1, goal=Goal.ENERGY),
    Regime(name="co-serving-mixed", service="mixed", load=0.35, slo_ttft_s=2.0, goal=Goal.TUNING),
    Regime(
        name="two-models-five",
        replicas=(SMALL, LARGE, LARGE, SMALL, LARGE),
        load=0.4,
        slo_ttft_s=3.0,
        slo_tpot_s=0.1,
        goal=Goal.QUALITY,
        small_quality=0.75,
    ),
)
# At the edges of the contract: one replica, a short queue, a split of one and one.
EDGE_REGIMES = (
    Regime(name="one", replicas=(SMALL,), load=0.6, size=0.5),
    Regime(name="pair", replicas=(SMALL,) * 2, prefill_replicas=1, load=0.5, size=0.5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much a tier plays."""

    turns: int  # scenarios per regime
    requests: int  # in a scenario of relative size 1


SIZES = {
    Tier.SMOKE: Size(turns=1, requests=24),
    Tier.QUICK: Size(turns=1, requests=720),
    Tier.FULL: Size(turns=3, requests=1000),
    Tier.REPORT: Size(turns=3, requests=3000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All but the draw of one scenario."""

    name: str
    regime: Regime
    service: Service
    requests: int
    fleet: Fleet


def recipes(
    tier: Tier, split: Split, settings: Mapping[str, ParameterValue], trace: Sequence[TraceRow] | None
) -> list[Recipe]:
    """The scenarios of a tier and split, the user's settings applied.

    Raises:
        ContractError: Settings that contradict one another, or a trace too short to be played.
    """
    holdout, size = split is Split.HOLDOUT, SIZES[tier]
    regimes = HOLDOUT_REGIMES if holdout else SEARCH_REGIMES
    if tier is Tier.SMOKE:
        regimes = (*regimes[::4], *(() if settings else EDGE_REGIMES))
    recorded = None if trace is None else trace_windows(trace, holdout=holdout)
    made = []
    for turn in range(size.turns):
        for regime in regimes:
            own = _with_settings(regime, settings)
            service = recorded or SERVICES[own.service]
            count = max(12, round(size.requests * own.size))
            fleet = Fleet(
                costs=_costs(own, settings),
                roles=_roles(own),
                link_bytes_per_s=_link(settings),
                goal=own.goal,
                qualities=_qualities(own),
            )
            made.append(Recipe(name=f"{own.name}-{turn}", regime=own, service=service, requests=count, fleet=fleet))
    return made


def draw(recipe: Recipe, rate: float, rng: np.random.Generator) -> tuple[list[Arrival], Fleet]:
    """The requests of a scenario and its fleet, failure included; `rate` 0 leaves the regime's load.

    Raises:
        ContractError: A request that no replica of the fleet can hold, or all of them at one moment of a trace.
    """
    regime, fleet = recipe.regime, recipe.fleet
    rows = recipe.service.draw(rng, recipe.requests)
    if recipe.service.name != "trace":
        rows = _fitting(rows, fleet.smallest_kv_tokens)
    urgent = rng.uniform(size=len(rows)) < regime.priority_share
    noise = np.exp(_sigma(regime) * rng.standard_normal(len(rows)))
    wanted = rate or regime.load * capacity_bound(_arrivals(rows, regime, urgent, noise), fleet)
    arrivals = _arrivals(scaled(rows, wanted), regime, urgent, noise)
    try:
        checked_arrivals(arrivals, fleet.smallest_kv_tokens)
    except ValueError as error:
        raise ContractError(f"the trace does not suit the fleet: {error}") from error
    if not regime.fails_at:
        return arrivals, fleet
    last_s = arrivals[-1].arrival_s
    failure = Failure(replica=1, at_s=regime.fails_at * last_s, back_s=(regime.fails_at + 0.25) * last_s)
    return arrivals, replace(fleet, failure=failure)


def _sigma(regime: Regime) -> float:
    return regime.prediction_sigma if math.isfinite(regime.prediction_sigma) else 0.0


def _fitting(rows: Sequence[TraceRow], most: int) -> list[TraceRow]:
    """Generated requests cut to what a replica can hold, as a service's limit on prompts would."""
    return [row if row.prompt + row.output <= most else _with_prompt(row, most - row.output) for row in rows]


def _with_prompt(row: TraceRow, prompt: int) -> TraceRow:
    return replace(row, prompt=prompt, blocks=row.blocks[: prompt // BLOCK_TOKENS])


def _arrivals(
    rows: Sequence[TraceRow], regime: Regime, urgent: Sequence[bool] | np.ndarray, noise: np.ndarray
) -> list[Arrival]:
    predicted = math.isfinite(regime.prediction_sigma)
    return [
        Arrival(
            arrival_s=row.at_s,
            prompt=row.prompt,
            output=row.output,
            slo_ttft_s=regime.slo_ttft_s * (0.5 if first else 1.0),
            slo_tpot_s=regime.slo_tpot_s,
            priority=int(first),
            predicted=max(1.0, round(row.output * float(factor))) if predicted else 0.0,
            blocks=row.blocks,
        )
        for row, first, factor in zip(rows, urgent, noise, strict=True)
    ]


def _with_settings(regime: Regime, settings: Mapping[str, ParameterValue]) -> Regime:
    """The regime on the user's fleet, service and SLOs."""
    kinds = regime.replicas
    if settings.keys() & {"model", "gpu", "tp"}:
        model, gpu, tp = (
            settings.get(name, default) for name, default in zip(("model", "gpu", "tp"), SMALL, strict=True)
        )
        kinds = ((str(model), str(gpu), int(str(tp))),) * len(kinds)
    if "replicas" in settings:
        count = int(settings["replicas"])
        kinds = tuple(kinds[i % len(kinds)] for i in range(count))
    prefill = int(settings.get("prefill_replicas", min(regime.prefill_replicas, len(kinds) - 1)))
    if prefill >= len(kinds):
        raise ContractError(f"prefill_replicas: expected fewer than the {len(kinds)} replicas, found {prefill}")
    slower = _limits_stretch(regime, kinds, settings)
    return replace(
        regime,
        replicas=kinds,
        prefill_replicas=prefill,
        service=str(settings.get("service", regime.service)),
        load=float(settings.get("load", regime.load)),
        slo_ttft_s=float(settings.get("slo_ttft_s", slower * regime.slo_ttft_s)),
        slo_tpot_s=float(settings.get("slo_tpot_s", slower * regime.slo_tpot_s)),
        priority_share=float(settings.get("priority_share", regime.priority_share)),
        prediction_sigma=float(settings.get("prediction_sigma", regime.prediction_sigma)),
        fails_at=regime.fails_at if len(kinds) > 1 and not prefill else 0.0,
        goal=_goal(regime, kinds, settings),
    )


def _limits_stretch(regime: Regime, kinds: Sequence[Kind], settings: Mapping[str, ParameterValue]) -> float:
    """A 70B model that the user put where the regime has another gets twice the time that the regime allows."""
    is_large = "70b" in str(settings.get("model", ""))
    return 2.0 if is_large and kinds[0][0] != regime.replicas[0][0] else 1.0


def _goal(regime: Regime, kinds: Sequence[Kind], settings: Mapping[str, ParameterValue]) -> Goal:
    if "goal" in settings:
        return Goal[str(settings["goal"]).upper()]
    one_model = len({model for model, _, _ in kinds}) == 1
    return Goal.NONE if regime.goal is Goal.QUALITY and one_model else regime.goal


def _qualities(regime: Regime) -> tuple[float, ...]:
    largest = max(MODELS[model].parameters for model, _, _ in regime.replicas)
    return tuple(
        1.0 if MODELS[model].parameters == largest else regime.small_quality for model, _, _ in regime.replicas
    )


def _costs(regime: Regime, settings: Mapping[str, ParameterValue]) -> tuple[CostModel, ...]:
    kv_tokens = int(settings.get("kv_tokens", 0)) or None
    return tuple(cost_model(*kind, kv_tokens=kv_tokens) for kind in regime.replicas)


def _roles(regime: Regime) -> tuple[int, ...]:
    prefill, count = regime.prefill_replicas, len(regime.replicas)
    return (PREFILL,) * prefill + (DECODE,) * (count - prefill) if prefill else (MIXED,) * count


def _link(settings: Mapping[str, ParameterValue]) -> float:
    return 1e9 * float(settings.get("link_gb_s", 25.0))
