"""One scored graph: the program says where every task runs and in which order, the engine plays it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.candidate import Argument, Candidate
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.problem import ClockPolicy
from evaluators.scheduling.task_graph.bound import makespan_bound_us
from evaluators.scheduling.task_graph.graph import TaskGraph
from evaluators.scheduling.task_graph.heft import heft, in_order
from evaluators.scheduling.task_graph.reading import read_plan, reply_fields
from evaluators.scheduling.task_graph.timing import Plan, Timing, time_plan

LEAST_SPAN = 0.05  # of the bound: a graph on which the weak baseline is nearly optimal is not blown up


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """A graph with its anchors; see `make_scenario`."""

    name: str
    regime: str
    graph: TaskGraph
    candidate_seed: int
    weak_us: float  # the makespan of the tasks in their order
    heft_us: float
    bound_us: float  # proven

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Play the plan of a fresh program."""
        del clock  # no time is charged
        plan = self.plan_of(candidate)
        timing = time_plan(self.graph, plan)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=self.score(timing.makespan_us),
            metrics=self._metrics(plan, timing),
        )

    def plan_of(self, candidate: Candidate) -> Plan:
        """What the program answers.

        Raises:
            CandidateFailure: It fails, or its plan is invalid.
        """
        arguments: list[Argument] = [self.shown(), self.config()]
        return read_plan(self.graph, candidate.function("schedule", arguments, reply_fields(self.graph)).arrays)

    def score(self, makespan_us: float) -> float:
        """0 at the weak baseline, 1 at the bound (less where the two are nearly one), at least -1."""
        span = max(self.weak_us - self.bound_us, LEAST_SPAN * self.bound_us)
        return max(FLOOR, (self.weak_us - makespan_us) / span)

    def shown(self) -> dict[str, Argument]:
        """The graph and its processors, as copies."""
        graph = self.graph
        return {
            "times": graph.times_NP.copy(),
            "sources": graph.sources_E.copy(),
            "targets": graph.targets_E.copy(),
            "data": graph.data_E.copy(),
            "latency": graph.network.latency_PP.copy(),
            "gap": graph.network.gap_PP.copy(),
        }

    def config(self) -> dict[str, Argument]:
        """Sizes, and a seed for programs that draw."""
        return {
            "tasks": self.graph.size,
            "edges": len(self.graph.data_E),
            "processors": self.graph.num_processors,
            "seed": self.candidate_seed,
        }

    def _metrics(self, plan: Plan, timing: Timing) -> dict[str, float]:
        graph, makespan_us = self.graph, timing.makespan_us
        busy_us = float((timing.end_N - timing.start_N).sum())
        alone_us = float(graph.times_NP.sum(axis=0).min())
        least_us = float(graph.times_NP.min(axis=1).sum())
        return {
            "makespan_ms": makespan_us / 1e3,
            "makespan_over_bound": makespan_us / self.bound_us,
            "makespan_over_heft": makespan_us / self.heft_us,
            "makespan_over_weak": makespan_us / self.weak_us,
            "speedup": (alone_us if np.isfinite(alone_us) else least_us) / makespan_us,
            "busy": 100 * busy_us / (graph.num_processors * makespan_us),
            "used": 100 * len(np.unique(plan.processor_N)) / graph.num_processors,
            "crossing": 100 * float(timing.crossing_E.mean()) if len(timing.crossing_E) else 0.0,
            "extra": 100 * (busy_us / least_us - 1),
        }


def make_scenario(name: str, regime: str, graph: TaskGraph, *, candidate_seed: int = 0) -> Scenario:
    """The scenario with its anchors computed."""
    return Scenario(
        name=name,
        regime=regime,
        graph=graph,
        candidate_seed=candidate_seed,
        weak_us=time_plan(graph, in_order(graph)).makespan_us,
        heft_us=time_plan(graph, heft(graph)).makespan_us,
        bound_us=makespan_bound_us(graph),
    )
