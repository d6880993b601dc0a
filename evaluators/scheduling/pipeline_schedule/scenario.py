"""One scored step: the program says in which order passes run, the engine runs them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.candidate import Argument, Candidate
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.problem import ClockPolicy
from evaluators.scheduling.pipeline_schedule.bound import step_bound_us
from evaluators.scheduling.pipeline_schedule.one_f_one_b import one_f_one_b
from evaluators.scheduling.pipeline_schedule.pipeline import FORWARD, INPUT, WEIGHT, Pipeline
from evaluators.scheduling.pipeline_schedule.reading import Played, read_order, reply_field

LEAST_SPAN = 0.05  # of the bound: a pipeline on which 1F1B is nearly optimal is not blown up to the whole score


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """A pipeline with its anchors; see `make_scenario`."""

    name: str
    regime: str
    pipeline: Pipeline
    candidate_seed: int
    weak_us: int  # the step with 1F1B
    bound_us: int  # proven

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Run the passes in the order of a fresh program."""
        del clock  # no time is charged
        played = self.run(candidate)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=self.score(played.timing.step_us),
            metrics=self._metrics(played),
        )

    def run(self, candidate: Candidate) -> Played:
        """What became of the program's answer.

        Raises:
            CandidateFailure: It fails, or its order is invalid.
        """
        reply = candidate.function("schedule", [self.view()], [reply_field(self.pipeline)])
        return read_order(self.pipeline, reply.arrays["order"])

    def score(self, step_us: int) -> float:
        """0 at 1F1B, 1 at the bound (less where the two are nearly one), at least -1."""
        span = max(self.weak_us - self.bound_us, LEAST_SPAN * self.bound_us)
        return max(FLOOR, (self.weak_us - step_us) / span)

    def view(self) -> dict[str, Argument]:
        """All that a step's time and memory depend on, in copies."""
        pipeline = self.pipeline
        return {
            "micro_batches": pipeline.micro_batches,
            "stages": pipeline.stages,
            "devices": pipeline.devices,
            "device": pipeline.device_S.copy(),
            "forward_us": pipeline.forward_us_S.copy(),
            "input_us": pipeline.input_us_S.copy(),
            "weight_us": pipeline.weight_us_S.copy(),
            "activation_mb": pipeline.activation_mb_S.copy(),
            "kept_mb": pipeline.kept_mb_S.copy(),
            "link_us": pipeline.link_us_S.copy(),
            "capacity_mb": pipeline.capacity_mb_D.copy(),
            "seed": self.candidate_seed,
        }

    def _metrics(self, played: Played) -> dict[str, float]:
        step_us, work_us_D = played.timing.step_us, self.pipeline.work_us_D
        full_D = played.peak_mb_D / self.pipeline.capacity_mb_D
        return {
            "step_ms": step_us / 1e3,
            "step_over_bound": step_us / self.bound_us,
            "step_over_1f1b": step_us / self.weak_us,
            "bubble": 100 * (1 - float(work_us_D.mean()) / step_us),
            "bubble_longest": 100 * (1 - float(work_us_D.max()) / step_us),
            "peak": 100 * float(full_D.max()),
            "peak_mean": 100 * float(full_D.mean()),
            "under_way": self._most_under_way(played) / self.pipeline.devices,
            "postponed": 100 * self._postponed(played),
        }

    def _most_under_way(self, played: Played) -> int:
        """The most micro-batches that have begun and not come back to the first stage, in the order of its device."""
        order = played.orders[int(self.pipeline.device_S[0])]
        kind, stage = np.divmod(order // self.pipeline.micro_batches, self.pipeline.stages)
        first = stage == 0
        steps = np.where(first & (kind == FORWARD), 1, 0) - np.where(first & (kind == INPUT), 1, 0)
        return int(np.cumsum(steps).max())

    def _postponed(self, played: Played) -> float:
        """Share of the weight gradients that do not follow right behind their input gradients."""
        behind = 0
        for order in played.orders:
            kind_and_stage = order // self.pipeline.micro_batches
            weight = kind_and_stage[1:] >= WEIGHT * self.pipeline.stages
            matches = order[1:] - order[:-1] == self.pipeline.stages * self.pipeline.micro_batches
            behind += int((weight & matches).sum())
        return 1 - 3 * behind / self.pipeline.passes


def make_scenario(name: str, regime: str, pipeline: Pipeline, *, candidate_seed: int = 0) -> Scenario:
    """The scenario with its anchors computed."""
    weak = read_order(pipeline, one_f_one_b(pipeline))
    return Scenario(
        name=name,
        regime=regime,
        pipeline=pipeline,
        candidate_seed=candidate_seed,
        weak_us=weak.timing.step_us,
        bound_us=step_bound_us(pipeline),
    )
