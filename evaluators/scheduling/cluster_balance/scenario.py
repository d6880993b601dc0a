"""One workload played by a program, tick by tick, and scored between round robin and the bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.candidate import Argument, Candidate, CandidateFailure, ReplyField
from evaluators.contract import FLOOR, ContractError, InstanceResult, Outcome
from evaluators.problem import ClockPolicy
from evaluators.scheduling.cluster_balance.bound import lower_bound
from evaluators.scheduling.cluster_balance.engine import Decide, Played, Seen, run
from evaluators.scheduling.cluster_balance.weak import round_robin
from evaluators.scheduling.cluster_balance.workload import Bools, Ints, Workload

LEAST_SPAN = 0.01  # of the bound: where round robin is nearly at it, little can be won


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """A workload with its anchors; see `make_scenario`."""

    name: str
    regime: str
    workload: Workload
    candidate_seed: int
    weak: float  # cost of round robin
    bound: float  # proven

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Run all jobs as a fresh program says."""
        del clock  # no time is charged
        candidate.construct("Policy", self.config())
        played = run(self.workload, self._asking(candidate))
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=self.score(played.cost),
            metrics=self._metrics(played),
        )

    def score(self, cost: float) -> float:
        """0 at the cost of round robin, 1 at the bound, at least -1."""
        return max(FLOOR, (self.weak - cost) / max(self.weak - self.bound, LEAST_SPAN * self.bound))

    def config(self) -> dict[str, Argument]:
        """What `Policy` is made with."""
        fleet = self.workload.fleet
        return {
            "capacity": fleet.capacity_M2.copy(),
            "posted": fleet.posted_M.copy(),
            "price": fleet.price_M.copy(),
            "groups": int(self.workload.jobs.group_N.max()) + 1,
            "boot": fleet.boot,
            "move": fleet.move,
            "seed": self.candidate_seed,
        }

    def view(self, seen: Seen) -> dict[str, Argument]:
        """What `step` is told: nothing of sizes, speeds, slowdowns or jobs to come."""
        jobs = self.workload.jobs
        return {
            "tick": seen.tick,
            "job": seen.job_J,
            "group": jobs.group_N[seen.job_J],
            "weight": jobs.weight_N[seen.job_J],
            "demand": jobs.demand_N2[seen.job_J],
            "age": seen.tick - jobs.arrival_N[seen.job_J],
            "machine": seen.machine_J,
            "ran": seen.ran_J,
            "boot": seen.boot_M,
            "ended": seen.ended_F,
            "ended_group": jobs.group_N[seen.ended_F],
            "ended_ran": seen.ended_ran_F,
            "ended_machine": seen.ended_machine_F,
        }

    def _asking(self, candidate: Candidate) -> Decide:
        on = ReplyField(name="on", dtype="bool", shape=self.workload.fleet.speed_M.shape)

        def decide(seen: Seen) -> tuple[Ints, Bools]:
            place = ReplyField(name="place", dtype="int64", shape=seen.job_J.shape)
            arrays = candidate.method("step", [self.view(seen)], [place, on]).arrays
            return arrays["place"].astype(np.int64), arrays["on"].astype(np.bool_)

        return decide

    def _metrics(self, played: Played) -> dict[str, float]:
        weight_N = self.workload.jobs.weight_N
        return {
            "cost_over_bound": played.cost / self.bound,
            "cost_over_weak": played.cost / self.weak,
            "flow_share": played.flow_cost / played.cost,
            "flow": played.flow_cost / float(weight_N.sum()),
            "flow_p99": float(np.quantile(played.flow_N, 0.99)),
            "machines_on": played.machine_ticks / (played.ticks * self.workload.fleet.speed_M.size),
            "moves": played.moves / weight_N.size,
            "starts": float(played.starts),
        }


def make_scenario(name: str, regime: str, workload: Workload, candidate_seed: int) -> Scenario:
    """The scenario with its anchors computed.

    Raises:
        ContractError: Round robin itself is not done in time: far too much work for the fleet.
    """
    try:
        weak = run(workload, round_robin(workload)).cost
    except CandidateFailure as failure:
        raise ContractError(f"{name}: too much work for the fleet; expected more machines, or fewer jobs") from failure
    return Scenario(
        name=name,
        regime=regime,
        workload=workload,
        candidate_seed=candidate_seed,
        weak=weak,
        bound=lower_bound(workload),
    )
