"""One scored training: a program against the reference loss, from the same weights, on the same batches."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.balancing.moe_loss.time_model import TimeModel
from evaluators.balancing.moe_loss.training import Measured, Recipe, reference, run
from evaluators.candidate import Candidate
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.problem import ClockPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """See `evaluators.problem.Instance`."""

    name: str
    regime: str
    recipe: Recipe
    strengths: tuple[float, ...]  # what gradients are multiplied by; the best one counts, for both sides
    times: TimeModel
    candidate_seed: int

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Train at each strength and compare the best training with the best of the reference."""
        del clock  # no time of the program is charged
        trained: dict[float, Measured] = {}
        for strength in self.strengths:
            trained[strength] = run(self.recipe, candidate, strength, self.times, self.candidate_seed)
            if not trained[strength].adds_gradient:
                break  # nothing was multiplied, so the other trainings would be the same to the bit
        best = min(trained, key=lambda strength: trained[strength].iso_nats)
        zero = min((reference(self.recipe, s, self.times) for s in self.strengths), key=lambda m: m.iso_nats)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=max(FLOOR, zero.iso_nats - trained[best].iso_nats),
            metrics=_metrics(trained[best], zero, best),
            curves=trained[best].curves,
        )


def _metrics(found: Measured, zero: Measured, strength: float) -> dict[str, float]:
    gain = zero.metrics["nats"] - found.metrics["nats"]
    return {**found.metrics, "nats_gain": gain, "reference_iso_nats": zero.iso_nats, "strength": strength}
