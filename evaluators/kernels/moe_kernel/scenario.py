"""One scored scenario: a program's kernels are compiled, run on fresh inputs, compared, and timed where a GPU is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from evaluators.candidate import Candidate, CandidateFailure
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.kernels.moe_kernel.assemble import Machine
from evaluators.kernels.moe_kernel.inputs import expected, make_inputs
from evaluators.kernels.moe_kernel.orders import Order
from evaluators.kernels.moe_kernel.plans import Plan
from evaluators.kernels.moe_kernel.program import Program
from evaluators.kernels.moe_kernel.stages import Load
from evaluators.kernels.moe_kernel.timing_process import TimingProcess
from evaluators.kernels.moe_kernel.verdict import judge
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.problem import ClockPolicy, PlannerClock

UNTIMED_SCORE = 0.0  # of a correct program where nothing can be timed: the naive program's, so that none looks fast


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One stage, shape and load."""

    name: str
    regime: str
    stage: Stage
    load: Load
    target: LayerShape
    tiny: LayerShape
    seed: int
    timing: TimingProcess | None = field(repr=False)

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Score one program.

        Raises:
            CandidateFailure: The program failed, its kernels are wrong, or its time cannot be true.
        """
        program = Program(candidate, self.stage)
        plan, machines = program.compiled(self.target)
        metrics = _static_metrics(plan, machines)
        if self.timing is None:
            return self._result(UNTIMED_SCORE, {"error": self._error_in_interpreter(program), **metrics}, ())
        stored_s = clock.stored_delays_s.get(self.name, ()) if clock.clock is PlannerClock.REPLAYED else ()
        order = Order(stage=self.stage, shape=self.target, load=self.load, seed=self.seed, timed=len(stored_s) != 3)
        finding = self.timing.try_out(order, plan, machines)
        if finding.trouble:
            raise CandidateFailure(Outcome.INFRASTRUCTURE, finding.trouble)
        if finding.fault:
            raise CandidateFailure(Outcome.INVALID, finding.fault)
        if finding.tampering:
            raise CandidateFailure(Outcome.TAMPERED, finding.tampering)
        times_us = (finding.program_us, finding.naive_us, finding.floor_us)
        times_s = stored_s if len(stored_s) == 3 else tuple(1e-6 * us for us in times_us)
        return self._result(score(*times_s), {**_times(times_s), "error": finding.error, **metrics}, times_s)

    def _error_in_interpreter(self, program: Program) -> float:
        given = make_inputs(self.stage, self.tiny, self.load, self.seed, torch.device("cpu"))
        found = program.play(self.tiny, given)
        verdict = judge(self.stage, self.tiny, given, expected(self.stage, self.tiny, given), found)
        if verdict.fault:
            raise CandidateFailure(Outcome.INVALID, f"in the interpreter, {self.tiny.dtype}: {verdict.fault}")
        return verdict.error

    def _result(self, value: float, metrics: dict[str, float], times_s: tuple[float, ...]) -> InstanceResult:
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=value,
            metrics=metrics,
            delays_s=times_s,
        )


def score(program_s: float, naive_s: float, floor_s: float) -> float:
    """How much of the way from the naive program's time to the floor was gone; at least -1.

    A naive program at its floor leaves no way to go: then a program as fast scores 1, and a slower one less.
    """
    way_s = max(naive_s - floor_s, 0.01 * naive_s)
    return max(FLOOR, (naive_s - program_s) / way_s)


def _static_metrics(plan: Plan, machines: Sequence[Machine]) -> dict[str, float]:
    return {
        "registers": float(max(machine.registers for machine in machines)),
        "spill_bytes": float(max(machine.spill_bytes for machine in machines)),
        "shared_bytes": float(max(kernel.shared_bytes for kernel in plan.kernels)),
    }


def _times(times_s: Sequence[float]) -> dict[str, float]:
    return {name: 1e6 * value for name, value in zip(("time_us", "naive_us", "floor_us"), times_s, strict=True)}
