"""A scenario: the program sees traced tokens, its placement is scored on others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.candidate import Argument, Candidate
from evaluators.contract import FLOOR, ContractError, InstanceResult, Outcome
from evaluators.placement.expert_topology.bound import bound_us
from evaluators.placement.expert_topology.journey import LayerTimes, layer_times
from evaluators.placement.expert_topology.plan import read_placement, reply_fields
from evaluators.placement.expert_topology.system import System
from evaluators.placement.expert_topology.traffic import Whole
from evaluators.placement.expert_topology.workload import Workload
from evaluators.placement.layout import static_placement
from evaluators.problem import ClockPolicy


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scenario:
    """One model on one machine under one routing; see `build_scenario`."""

    name: str
    regime: str
    system: System
    workload: Workload
    candidate_seed: int
    weak_us: float  # per iteration, with the experts in order
    bound_us: float

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Place the experts and score what was placed; planning is offline, so no time is charged."""
        del clock
        return self.result(self.placed(candidate))

    def placed(self, candidate: Candidate) -> Whole:
        """The program's placement.

        Raises:
            CandidateFailure: As `play`.
        """
        shown = self.workload.shown
        arguments: list[Argument] = [shown.ids_TLK, shown.source_T, self.system.config(self.candidate_seed)]
        return read_placement(candidate.function("place", arguments, reply_fields(self.system)), self.system)

    def result(self, placement_LP: Whole) -> InstanceResult:
        """Score and metrics of a valid placement."""
        played = layer_times(placement_LP, self.workload.scored, self.system)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=max(FLOOR, self.score(total_us(played))),
            metrics=self._metrics(played),
            curves={
                "layer_us": tuple(float(one.total_I.mean()) for one in played),
                "away": tuple(one.away for one in played),
            },
        )

    def score(self, time_us: float) -> float:
        """0 at the time of the experts in order, 1 at the bound."""
        return (self.weak_us - time_us) / (self.weak_us - self.bound_us)

    def _metrics(self, played: Sequence[LayerTimes]) -> dict[str, float]:
        time_us, layers = total_us(played), len(played)
        busiest = sum(float(one.compute_I.mean()) for one in played)
        balanced = sum(float(one.balanced_I.mean()) for one in played)
        return {
            "time_us": time_us,
            "time_over_bound": time_us / self.bound_us,
            "time_over_contiguous": time_us / self.weak_us,
            "balanced_us": balanced,
            "imbalance_us": busiest - balanced,
            "exchange_us": time_us - busiest,
            "gpu_balance": balanced / busiest,
            "away": sum(one.away for one in played) / layers,
            "abroad": sum(one.abroad for one in played) / layers,
        }


def total_us(played: Sequence[LayerTimes]) -> float:
    """Mean time of an iteration over all layers."""
    return sum(float(one.total_I.mean()) for one in played)


def rounded_down(bound: float) -> float:
    """The bound to nine digits: eigenvalues differ in the last ones between numbers of threads, and scores must not."""
    unit = 10.0 ** (math.floor(math.log10(bound)) - 8)
    return math.floor(bound / unit) * unit


def build_scenario(name: str, regime: str, system: System, workload: Workload, candidate_seed: int) -> Scenario:
    """The scenario with its two anchors computed.

    Raises:
        ContractError: No placement can beat the experts in order here, so there is nothing to score.
    """
    static = static_placement(system.layers, system.experts, system.slots)
    weak = total_us(layer_times(static, workload.scored, system))
    bound = rounded_down(float(bound_us(workload.scored, system).sum()))
    if weak - bound <= 1e-6 * weak:
        raise ContractError(
            f"scenario {name}: the experts in order already take the least time possible ({weak:.6g} us per "
            "iteration); set more gpus, experts or tokens, so that their places can matter"
        )
    return Scenario(
        name=name,
        regime=regime,
        system=system,
        workload=workload,
        candidate_seed=candidate_seed,
        weak_us=weak,
        bound_us=bound,
    )
