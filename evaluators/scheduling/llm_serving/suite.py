"""Which scenarios make up each tier and split.

The hold-out has regimes of its own (`regimes`), except where the user fixed what they are made of. Loads are shares of
the proven capacity bound of the very stream that is played.
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
from evaluators.scheduling.llm_serving.regimes import EDGE_REGIMES, REGIMES, SMALL, Kind, Regime
from evaluators.scheduling.llm_serving.replica import DECODE, MIXED, PREFILL
from evaluators.scheduling.llm_serving.requests import BLOCK_TOKENS, Arrival, checked_arrivals
from evaluators.scheduling.llm_serving.services import SERVICES, Service, scaled, trace_windows
from evaluators.scheduling.llm_serving.traces import TraceRow


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
    regimes, size = REGIMES[split], SIZES[tier]
    if tier is Tier.SMOKE:
        regimes = (*regimes[::4], *(() if settings else EDGE_REGIMES))
    recorded = None if trace is None else trace_windows(trace, holdout=split is Split.HOLDOUT)
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
