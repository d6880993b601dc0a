"""One scored batch: the program says where every sequence goes, the engine times the step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.candidate import Argument, Candidate
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.problem import ClockPolicy
from evaluators.scheduling.sequence_split.bound import step_bound_us
from evaluators.scheduling.sequence_split.first_fit import first_fit
from evaluators.scheduling.sequence_split.machine import Batch, Sync
from evaluators.scheduling.sequence_split.reading import read_plan, reply_fields, tokens_by_slot
from evaluators.scheduling.sequence_split.timing import Plan, Timing, time_plan

LEAST_SPAN = 0.05  # of the bound: a batch on which first fit is nearly optimal is not blown up to the whole score


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """A batch with its anchors; see `make_scenario`."""

    name: str
    regime: str
    batch: Batch
    candidate_seed: int
    weak_us: float  # the step with first fit
    bound_us: float  # proven

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Time the step with the plan of a fresh program."""
        del clock  # no time is charged
        plan = self.plan_of(candidate)
        timing = time_plan(self.batch, plan)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=self.score(timing.step_us),
            metrics=self._metrics(plan, timing),
        )

    def plan_of(self, candidate: Candidate) -> Plan:
        """What the program answers.

        Raises:
            CandidateFailure: It fails, or its plan is invalid.
        """
        arguments: list[Argument] = [self.batch.lengths_N.copy(), self.config()]
        return read_plan(self.batch, candidate.function("split", arguments, reply_fields(self.batch)).arrays)

    def score(self, step_us: float) -> float:
        """0 at first fit, 1 at the bound (less where the two are nearly one), at least -1."""
        span = max(self.weak_us - self.bound_us, LEAST_SPAN * self.bound_us)
        return max(FLOOR, (self.weak_us - step_us) / span)

    def config(self) -> dict[str, Argument]:
        """All that a plan's time depends on beside the lengths."""
        machine = self.batch.machine
        return {
            "ranks": machine.ranks,
            "ranks_per_node": machine.ranks_per_node,
            "micro_batches": self.batch.micro_batches,
            "cap": self.batch.cap,
            "linear_us": machine.linear_us,
            "quadratic_us": machine.quadratic_us,
            "intra_us": machine.intra_us,
            "inter_us": machine.inter_us,
            "hop_us": machine.hop_us,
            "overhead_us": machine.overhead_us,
            "overlap": machine.overlap,
            "sync_every_micro_batch": machine.sync is Sync.STEP,
            "seed": self.candidate_seed,
        }

    def _metrics(self, plan: Plan, timing: Timing) -> dict[str, float]:
        batch, widths_N = self.batch, plan.widths_N
        cut_N = widths_N > 1
        working_us = timing.step_us - batch.machine.overhead_us * timing.used
        whole_us = batch.machine.shard_us(batch.lengths_N.astype(np.float64), np.ones(1), np.zeros(1, dtype=np.bool_))
        return {
            "step_ms": timing.step_us / 1e3,
            "step_over_bound": timing.step_us / self.bound_us,
            "step_over_first_fit": timing.step_us / self.weak_us,
            "busy": 100 * float(timing.busy_G.mean()) / working_us,
            "added": 100 * (float(timing.busy_G.sum()) / float(whole_us.sum()) - 1),
            "cut": 100 * float(cut_N.mean()),
            "width": float(widths_N[cut_N].mean()) if cut_N.any() else 1.0,
            "crossing": 100 * float(timing.crossing_N.mean()),
            "micro_batches": float(timing.used),
            "fullest": 100 * float(tokens_by_slot(batch, plan).max()) / batch.cap,
        }


def make_scenario(name: str, regime: str, batch: Batch, *, candidate_seed: int = 0) -> Scenario:
    """The scenario with its anchors computed; the batch has the micro-batches that first fit needs."""
    return Scenario(
        name=name,
        regime=regime,
        batch=batch,
        candidate_seed=candidate_seed,
        weak_us=time_plan(batch, first_fit(batch)).step_us,
        bound_us=step_bound_us(batch),
    )
