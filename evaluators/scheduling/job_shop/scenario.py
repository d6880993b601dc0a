"""One scored shop: the engine that its variant needs, its anchors, and what the program is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evaluators.candidate import Argument, Candidate
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.problem import ClockPolicy
from evaluators.scheduling.job_shop.bound import makespan_bound
from evaluators.scheduling.job_shop.builder import build
from evaluators.scheduling.job_shop.dispatcher import Builder, ProgramChooser, first_in_first_out
from evaluators.scheduling.job_shop.schedule import Choose, Schedule
from evaluators.scheduling.job_shop.shop import Rows, Shop
from evaluators.scheduling.job_shop.simulation import simulate

LEAST_SPAN = 0.05  # of the bound: a shop where first in first out is nearly optimal is not blown up to the whole score


class Variant(StrEnum):
    """What is known and what holds a machine."""

    CLASSIC = "classic"  # durations known, any number of jobs may wait
    BLOCKING = "blocking"  # durations known, a job stays on its machine until the next one takes it
    STOCHASTIC = "stochastic"  # a duration is known when its operation has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a shop is run."""

    variant: Variant
    builder: Builder = Builder.OPEN
    sigma: float = 0.0  # of the logarithm of true over expected duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A shop with its anchors; built by `make_scenario`."""

    name: str
    regime: str
    shop: Shop
    realised: Rows  # [J][M], what operations take in truth; the shop's durations unless they are noisy
    setting: Setting
    candidate_seed: int
    weak: int  # makespan of first in first out, non-delay
    bound: int  # proven for the realised durations
    best_known: int | None = None  # of a published instance
    reference: int | None = None  # the best schedule that a solver found, knowing all

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Run the shop with the program's priorities."""
        del clock  # no time is charged here
        candidate.construct("Policy", self.config())
        chooser = ProgramChooser(candidate, self.setting.builder)
        schedule = run_shop(self.shop, self.realised, self.setting.variant, chooser.choose)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=self.score(schedule.makespan),
            metrics=self._metrics(schedule, chooser),
        )

    def score(self, makespan: int) -> float:
        """0 at first in first out, 1 at the bound (less where the two are nearly one), at least -1."""
        span = max(self.weak - self.bound, LEAST_SPAN * self.bound)
        return max(FLOOR, (self.weak - makespan) / span)

    def config(self) -> dict[str, Argument]:
        """What `Policy` is made with."""
        return {
            "variant": str(self.setting.variant),
            "builder": str(self.setting.builder),
            "jobs": self.shop.num_jobs,
            "machines": self.shop.num_machines,
            "routes": self.shop.routes_JM,
            "durations": self.shop.durations_JM,
            "sigma": self.setting.sigma,
            "seed": self.candidate_seed,
        }

    def _metrics(self, schedule: Schedule, chooser: ProgramChooser) -> dict[str, float]:
        makespan = schedule.makespan
        capacity = makespan * self.shop.num_machines
        leaves = schedule.leaves(blocking=self.setting.variant is Variant.BLOCKING)
        metrics = {
            "makespan": float(makespan),
            "gap_to_bound": 100 * (makespan / self.bound - 1),
            "gap_to_fifo": 100 * (makespan / self.weak - 1),
            "utilisation": 100 * sum(map(sum, self.realised)) / capacity,
            "blocked": 100 * (_total(leaves) - _total(schedule.ends)) / capacity,
            "delayed": 100 * chooser.num_delays / max(1, chooser.num_decisions),
            "decisions": float(chooser.num_decisions),
        }
        if self.best_known is not None:
            metrics["gap_to_best"] = 100 * (makespan / self.best_known - 1)
        if self.reference is not None:
            metrics["gap_to_reference"] = 100 * (makespan / self.reference - 1)
            metrics["reference_score"] = self.score(self.reference)
        return metrics


def run_shop(shop: Shop, realised: Rows, variant: Variant, choose: Choose) -> Schedule:
    """The schedule that `choose` makes of a shop."""
    # The simulation sees no farther than operations under way, so the classic variant has a builder that does.
    if variant is Variant.CLASSIC:
        return build(shop, choose)
    return simulate(shop, realised, choose, blocking=variant is Variant.BLOCKING)


def make_scenario(
    name: str,
    regime: str,
    shop: Shop,
    setting: Setting,
    *,
    realised: Rows | None = None,
    candidate_seed: int = 0,
    best_known: int | None = None,
    reference: int | None = None,
) -> Scenario:
    """A scenario with its anchors; `realised` differs from the shop's durations in the stochastic variant only."""
    realised = shop.durations if realised is None else realised
    return Scenario(
        name=name,
        regime=regime,
        shop=shop,
        realised=realised,
        setting=setting,
        candidate_seed=candidate_seed,
        weak=run_shop(shop, realised, setting.variant, first_in_first_out).makespan,
        bound=makespan_bound(Shop(shop.routes, realised)),
        best_known=best_known,
        reference=reference,
    )


def _total(rows: Rows) -> int:
    return sum(map(sum, rows))
