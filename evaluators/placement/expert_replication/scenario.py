"""A scenario played window by window: the program sees the past, its plan is scored on the window to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.candidate import Candidate
from evaluators.contract import FLOOR, ContractError, InstanceResult, Outcome
from evaluators.placement.expert_replication.balance_bound import even_balance_bound, node_balance_bound
from evaluators.placement.expert_replication.bound import bound_us
from evaluators.placement.expert_replication.course import Course, Game, static_windows
from evaluators.placement.expert_replication.dispatch import Plan, fresh_slots
from evaluators.placement.expert_replication.oracle import oracle_us
from evaluators.placement.expert_replication.outage import EMPTY, Outage
from evaluators.placement.expert_replication.plan import read_plan, reply_fields
from evaluators.placement.expert_replication.serving import Served
from evaluators.placement.expert_replication.system import HISTORY, System
from evaluators.placement.expert_replication.workload import Workload
from evaluators.problem import ClockPolicy, PlannerClock

FREE_PLANNER_S = 0.016
MODELLED_DELAY_S = 0.032


def charged_delay_s(cpu_s: float) -> float:
    """Planner time on the coarse grid: nothing up to the free amount, then rounded up to a power of two times it."""
    if cpu_s <= FREE_PLANNER_S:
        return 0.0
    delay = FREE_PLANNER_S
    while delay < cpu_s:
        delay *= 2
    return delay


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scenario:
    """One system under one drifting load; see `build_scenario`."""

    name: str
    regime: str
    system: System
    workload: Workload
    candidate_seed: int
    outage: Outage | None = None
    weak_us: float  # the static placement's time per iteration
    bound_us: float
    window_bounds_us: tuple[float, ...]  # the same of each scored window
    oracle_us: float | None = None  # a clairvoyant heuristic's time, where it was computed
    balance_bound: float | None = None  # of plans with even split, where it was computed
    node_balance_bound: float | None = None  # of plans that keep routing groups on nodes, where there are such

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Plan every window of the scenario with a fresh program and score what was served."""
        return self._result(*self.serve(candidate, clock))

    def serve(self, candidate: Candidate, clock: ClockPolicy) -> tuple[Sequence[Served], Sequence[float]]:
        """The scored windows as a fresh program served them, and the delays it was charged.

        Raises:
            CandidateFailure: As `play`.
        """
        course = self.course
        game = Game(course)
        delays: list[float] = []
        for window in course.windows:
            restarted, making_s = game.enter(window), 0.0
            if restarted or window == course.windows.start:
                config = course.system_at(window).config(course.windows.stop - window, self.candidate_seed)
                making_s = candidate.construct("Policy", config)
            wanted, cpu_s = self._ask(candidate, game.active, window - 1)
            charged_s = cpu_s + making_s if restarted else cpu_s  # only the first start is before there is any load
            delays.append(self._delay_s(clock, charged_s, len(delays)))
            game.serve(window, wanted, delays[-1])
        return game.served, delays

    @property
    def course(self) -> Course:
        """What happens in the scenario, whatever the program does."""
        return Course(self.system, self.workload, self.outage)

    def _ask(self, candidate: Candidate, active: Plan, newest: int) -> tuple[Plan, float]:
        loads = self.workload.totals_WLE[max(0, newest + 1 - HISTORY) : newest + 1]
        samples = self.workload.iterations_WILE[newest]
        arguments = [loads, samples, shown_placement(active), newest]
        system = self.course.system_at(newest + 1)
        reply = candidate.method("plan", arguments, reply_fields(system))
        return read_plan(reply, active, system), reply.cpu_s

    def _delay_s(self, clock: ClockPolicy, cpu_s: float, call: int) -> float:
        match clock.clock:
            case PlannerClock.MEASURED:
                return charged_delay_s(cpu_s)
            case PlannerClock.MODELLED:
                return MODELLED_DELAY_S
            case PlannerClock.REPLAYED:
                stored = clock.stored_delays_s.get(self.name, ())
                if call >= len(stored):
                    raise ContractError(
                        f"replay of {self.name}: expected {self.workload.scored} stored delays, found {len(stored)}"
                    )
                return stored[call]

    def _result(self, served: Sequence[Served], delays: Sequence[float]) -> InstanceResult:
        time_us = _mean([window.time_us for window in served])
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=max(FLOOR, self.score(time_us)),
            metrics=self._metrics(served, delays),
            delays_s=tuple(delays),
            curves={
                "gpu_balance": tuple(window.gpu_balance for window in served),
                "time_over_bound": tuple(
                    window.time_us / bound for window, bound in zip(served, self.window_bounds_us, strict=True)
                ),
            },
        )

    def score(self, time_us: float) -> float:
        """0 at the static placement's time, 1 at the bound."""
        return (self.weak_us - time_us) / (self.weak_us - self.bound_us)

    def _metrics(self, served: Sequence[Served], delays: Sequence[float]) -> dict[str, float]:
        time_us = _mean([window.time_us for window in served])
        metrics = {
            "time_us": time_us,
            "time_over_bound": time_us / self.bound_us,
            "p95_window_us": float(np.quantile([window.time_us for window in served], 0.95)),
            "balanced_us": _mean([window.balanced_us for window in served]),
            "imbalance_us": _mean([window.imbalance_us for window in served]),
            "exchange_us": _mean([window.exchange_us for window in served]),
            "gathering_us": _mean([window.gathering_us for window in served]),
            "waiting_us": _mean([window.waiting_us for window in served]),
            "migration_us": _mean([window.migration_us for window in served]),
            "gpu_balance": _mean([window.gpu_balance for window in served]),
            "moved_fraction": _mean([window.moved_fraction for window in served]),
            "migration_gb": _mean([window.moved_bytes for window in served]) / 1e9,
            "planner_s": _mean(delays),
        }
        if self.oracle_us is not None:
            metrics["oracle_score"] = self.score(self.oracle_us)
        if self.balance_bound is not None:
            metrics["even_balance_bound"] = self.balance_bound
        if self.node_balance_bound is not None:
            metrics["node_balance_bound"] = self.node_balance_bound
        return metrics


def build_scenario(
    name: str,
    regime: str,
    system: System,
    workload: Workload,
    candidate_seed: int,
    *,
    outage: Outage | None = None,
    oracle: bool = False,
) -> Scenario:
    """The scenario with its two anchors computed, and the lines to compare with if asked for (`oracle`).

    Raises:
        ContractError: No plan can beat the static placement here, so there is nothing to score.
    """
    course = Course(system, workload, outage)
    known = [(course.loads(window), course.system_at(window)) for window in course.windows]
    weak = _mean([window.time_us for window in static_windows(course)])
    bounds = [float(bound_us(loads, machine).sum(axis=1).mean()) for loads, machine in known]
    bound = _mean(bounds)
    if weak - bound <= 1e-6 * weak:
        raise ContractError(
            f"scenario {name}: the static placement already takes the least time possible ({weak:.6g} us per "
            "iteration); set more gpus, experts or tokens, so that balance can matter"
        )
    totals = [(loads.sum(axis=0), machine) for loads, machine in known]
    return Scenario(
        name=name,
        regime=regime,
        system=system,
        workload=workload,
        candidate_seed=candidate_seed,
        outage=outage,
        weak_us=weak,
        bound_us=bound,
        window_bounds_us=tuple(bounds),
        oracle_us=_mean([oracle_us(loads, machine) for loads, machine in known]) if oracle else None,
        balance_bound=_mean([even_balance_bound(*window) for window in totals]) if oracle else None,
        node_balance_bound=_mean_if_all([node_balance_bound(*window) for window in totals]) if oracle else None,
    )


def _mean_if_all(bounds: Sequence[float | None]) -> float | None:
    present = [bound for bound in bounds if bound is not None]
    return _mean(present) if len(present) == len(bounds) else None


def shown_placement(active: Plan) -> npt.NDArray[np.int32]:
    """What a program is told of the slots, ``(L, P)``: their experts, `EMPTY` where they are filled anew each time."""
    return np.where(fresh_slots(active), EMPTY, active.placement_LP).astype(np.int32)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
