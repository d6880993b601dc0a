"""One job on one network: what the program is told, what its answer is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.candidate import Argument, Candidate, CandidateFailure, ReplyField
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.placement.pipeline_layout.bound import step_bound
from evaluators.placement.pipeline_layout.job import Job
from evaluators.placement.pipeline_layout.network import Network
from evaluators.placement.pipeline_layout.plan import Plan, in_order, read_plan
from evaluators.placement.pipeline_layout.step_time import step_time
from evaluators.problem import ClockPolicy

FIELDS = ("stage", "replica", "layers", "micro_batches")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scenario:
    """A job on a network with its anchors; built by `make_scenario`."""

    name: str
    regime: str
    job: Job
    network: Network
    candidate_seed: int
    weak: float  # seconds of the weak baseline's step
    bound: float  # seconds that no layout is below

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Score the program's layout.

        Raises:
            CandidateFailure: `INVALID`: no layout, layers or micro-batches missing, or too much for a memory.
        """
        del clock  # a job runs for days: no time is charged
        shape = (self.network.num_devices,)
        fields = tuple(ReplyField(name=name, dtype="int64", shape=shape) for name in FIELDS)
        reply = candidate.function("layout", self.arguments(), fields).arrays
        stage, replica, layers, batches = (reply[name].astype(np.int64) for name in FIELDS)
        plan = read_plan(stage, replica, layers, batches, self.job, self.network)
        if isinstance(plan, str):
            raise CandidateFailure(Outcome.INVALID, f"layout: {plan}")
        return self.result(plan)

    def arguments(self) -> list[Argument]:
        """What `layout` is called with: copies, so that nothing it does to them reaches the scorer."""
        network, job = self.network, self.job
        told: dict[str, Argument] = {
            "layers": job.layers,
            "micro_batches": job.micro_batches,
            "layer_tflop": job.layer_tflop,
            "boundary_gb": job.boundary_gb,
            "layer_gb": job.layer_gb,
            "state_gb": job.state_gb,
            "stash_gb": job.stash_gb,
        }
        devices: dict[str, Argument] = {"tflops": network.tflops_D.copy(), "memory_gb": network.memory_D.copy()}
        return [devices, network.latency_DD.copy(), network.rate_DD.copy(), told, self.candidate_seed]

    def result(self, plan: Plan) -> InstanceResult:
        """Score and metrics of a valid plan."""
        step = step_time(plan, self.job, self.network)
        slowest = int(step.pipeline_K.argmax())
        used = self.network.tflops_D[plan.device_KP].sum()
        work = self.job.layers * self.job.layer_tflop * self.job.micro_batches
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=self.score(step.total),
            metrics={
                "step_s": step.total,
                "step_over_bound": step.total / self.bound,
                "step_over_in_order": step.total / self.weak,
                "stages": float(plan.num_stages),
                "replicas": float(plan.num_replicas),
                "idle": 100 * (1 - plan.device_KP.size / self.network.num_devices),
                "busy": 100 * float(work / (used * step.total)),
                "exchange": 100 * float(step.sync_P.max()) / step.total,
                "hops": 100 * float(step.hops_K[slowest]) / step.total,
                "link_bound": 100 * float((step.slowest_link_K > step.compute_KP.max(axis=1)).mean()),
            },
        )

    def score(self, seconds: float) -> float:
        """0 at the speed of the weak baseline, 1 at that of the bound, linear in steps per second."""
        return max(FLOOR, (self.weak / seconds - 1) / (self.weak / self.bound - 1))


def make_scenario(name: str, regime: str, job: Job, network: Network, candidate_seed: int) -> Scenario:
    """The scenario with its anchors computed.

    Raises:
        ValueError: The weak baseline fits nowhere.
    """
    weak = in_order(job, network)
    if weak is None:
        raise ValueError(f"scenario {name}: an even cut fits into no number of stages, so that nothing is score 0")
    return Scenario(
        name=name,
        regime=regime,
        job=job,
        network=network,
        candidate_seed=candidate_seed,
        weak=step_time(weak, job, network).total,
        bound=step_bound(job, network),
    )
