"""One scored scenario: arrivals, a fleet, its anchors, and how a program is played on it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluators.candidate import Argument, Candidate
from evaluators.contract import FLOOR, InstanceResult, Outcome, PlannerClock
from evaluators.problem import ClockPolicy
from evaluators.scheduling.llm_serving.bounds import Floor, capacity_bound, floors
from evaluators.scheduling.llm_serving.fleet import Fleet, Goal
from evaluators.scheduling.llm_serving.goals import GOAL_SHARE, Achieved, achieved, goal_bound
from evaluators.scheduling.llm_serving.outcome import Assessment, assess, utility_bound
from evaluators.scheduling.llm_serving.program import ProgramDirector
from evaluators.scheduling.llm_serving.reference import RoundRobin
from evaluators.scheduling.llm_serving.requests import Arrival
from evaluators.scheduling.llm_serving.simulator import Simulator
from evaluators.scheduling.llm_serving.views import fleet_config

LEAST_SPAN = 0.05  # of utility between anchors: an easy scenario must not blow small differences up
CAPACITY_ATTAINMENT = 0.9
_CAPACITY_STEPS = 6
_MODELLED_S = 1e-4  # per request and part, where nothing may be measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Implements `evaluators.problem.Instance`."""

    name: str
    regime: str
    arrivals: Sequence[Arrival]
    fleet: Fleet
    floors: Sequence[Floor]
    weak_utility: float  # round robin's
    bound: float  # of the utility, proven
    goal_bound: float  # of what the fleet's goal counts, proven; 0 without a goal
    capacity_bound: float  # requests per second, proven
    config: dict[str, Argument]
    finds_capacity: bool = False

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Simulate the fleet under the program."""
        started_s = time.thread_time()
        director = ProgramDirector(candidate, self.config, len(self.fleet.costs))
        simulator = Simulator(self.arrivals, self.fleet, director)
        found = assess(simulator.run(), self.floors)
        goal = achieved(simulator, self.fleet, self.goal_bound, found.attainment)
        utility = found.utility if goal is None else goal.utility(found.utility)
        engine_s = time.thread_time() - started_s - director.call_s
        seconds = self._seconds(clock, (engine_s, director.call_s, director.child_s))
        metrics = {
            "utility": utility,
            **_figures(found),
            **self._limits(),
            **self._habits(simulator, director),
            **self._speeds(seconds),
            **({} if goal is None else self._goal_figures(goal)),
        }
        if self.finds_capacity:
            metrics["capacity_rps"] = self._capacity(candidate)
            metrics["capacity_over_bound"] = metrics["capacity_rps"] / self.capacity_bound
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=self.score(utility),
            metrics=metrics,
            delays_s=seconds,
        )

    def score(self, utility: float) -> float:
        """0 is round robin, 1 the proven bound of the utility."""
        span = max(self.bound - self.weak_utility, LEAST_SPAN)
        return max(FLOOR, (utility - self.weak_utility) / span)

    def _goal_figures(self, goal: Achieved) -> dict[str, float]:
        match self.fleet.goal:
            case Goal.ENERGY:
                amount = {"energy_j_per_token": goal.amount / sum(arrival.output for arrival in self.arrivals)}
            case Goal.TUNING:
                amount = {"tuned_tokens_per_s": goal.amount}
            case _:
                amount = {"quality": goal.amount}
        return {"goal": goal.worth, **amount}

    def _capacity(self, candidate: Candidate) -> float:
        """The highest rate with 90 % of the requests within their SLOs, by bisection; a diagnostic, played last."""
        rate = len(self.arrivals) / self.arrivals[-1].arrival_s
        low, high = 0.0, 1.6 * max(self.capacity_bound, rate)
        for _ in range(_CAPACITY_STEPS):
            middle = (low + high) / 2
            arrivals = [replace(a, arrival_s=a.arrival_s * rate / middle) for a in self.arrivals]
            fleet = replace(self.fleet, failure=None)
            director = ProgramDirector(candidate, self.config, len(fleet.costs))
            found = assess(Simulator(arrivals, fleet, director).run(), self.floors)
            low, high = (middle, high) if found.attainment >= CAPACITY_ATTAINMENT else (low, middle)
        return low

    def _seconds(self, clock: ClockPolicy, measured_s: tuple[float, float, float]) -> tuple[float, ...]:
        """CPU seconds of the engine, of talking, of the child; stored, so that a replay reports the same."""
        match clock.clock:
            case PlannerClock.MEASURED:
                return tuple(float(f"{seconds:.3g}") for seconds in measured_s)
            case PlannerClock.MODELLED:
                return (_MODELLED_S * len(self.arrivals),) * 3
            case PlannerClock.REPLAYED:
                stored = clock.stored_delays_s.get(self.name, ())
                return tuple(stored[:3]) if len(stored) >= 3 else (0.0, 0.0, 0.0)

    def _speeds(self, seconds: tuple[float, ...]) -> dict[str, float]:
        total_s = sum(seconds)
        if total_s <= 0:
            return {}
        return {"simulated_requests_per_s": len(self.arrivals) / total_s, "ipc_share": seconds[1] / total_s}

    def _limits(self) -> dict[str, float]:
        """The latency limits, for the feedback; urgent requests, if there are any, have a TTFT limit of their own."""
        limits = {f"slo_ttft{'_urgent' * (a.priority > 0)}_s": a.slo_ttft_s for a in self.arrivals}
        return {**limits, "slo_tpot_ms": 1e3 * max(arrival.slo_tpot_s for arrival in self.arrivals)}

    def _habits(self, simulator: Simulator, director: ProgramDirector) -> dict[str, float]:
        count = len(self.arrivals)
        prompt_tokens = sum(arrival.prompt for arrival in self.arrivals)
        return {
            "hit_rate": sum(request.hit_tokens for request in simulator.requests) / prompt_tokens,
            "preemptions": sum(request.preemptions for request in simulator.requests) / count,
            "migrations": simulator.num_migrations / count,
            "kv_peak": max(replica.kv_peak / replica.cost.kv_tokens for replica in simulator.replicas),
            "calls": director.num_calls / count,
            "load": count / self.arrivals[-1].arrival_s / self.capacity_bound,
        }


def build_scenario(
    name: str,
    regime: str,
    arrivals: Sequence[Arrival],
    fleet: Fleet,
    *,
    seed: int,
    means: tuple[float, float],
    finds_capacity: bool,
) -> Scenario:
    """A scenario with its anchors; `means` are the service's mean prompt and output, known to the program."""
    least = floors(arrivals, fleet)
    limit = goal_bound(arrivals, fleet)
    weak_run = Simulator(arrivals, fleet, RoundRobin())
    weak = assess(weak_run.run(), least)
    weak_goal = achieved(weak_run, fleet, limit, weak.attainment)
    latency_bound = utility_bound(arrivals, least)
    return Scenario(
        name=name,
        regime=regime,
        arrivals=arrivals,
        fleet=fleet,
        floors=least,
        weak_utility=weak.utility if weak_goal is None else weak_goal.utility(weak.utility),
        bound=latency_bound if weak_goal is None else (1 - GOAL_SHARE) * latency_bound + GOAL_SHARE,
        goal_bound=limit,
        capacity_bound=capacity_bound(arrivals, fleet),
        config={**fleet_config(fleet), "mean_prompt": means[0], "mean_output": means[1], "seed": seed},
        finds_capacity=finds_capacity,
    )


def _figures(found: Assessment) -> dict[str, float]:
    return {
        "attainment": found.attainment,
        "speed": found.speed,
        "tail": found.tail,
        "starved": found.starved,
        "ttft_late": found.ttft_late,
        "tpot_late": found.tpot_late,
        "ttft_s": found.ttft_mean_s,
        "ttft_p99_s": found.ttft_p99_s,
        "tpot_ms": 1e3 * found.tpot_mean_s,
        "tpot_p99_ms": 1e3 * found.tpot_p99_s,
        "latency_s": found.latency_mean_s,
        "latency_p99_s": found.latency_p99_s,
        "token_latency_ms": 1e3 * found.token_latency_s,
    }
