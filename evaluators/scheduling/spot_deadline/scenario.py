"""One job played tick by tick: the program sees this tick's availability, the guard keeps the deadline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluators.candidate import Argument, Candidate, CandidateFailure, ReplyField
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.problem import ClockPolicy
from evaluators.scheduling.spot_deadline.job import Choice, Job, Mode, State, advance, guarded, is_settled, seen
from evaluators.scheduling.spot_deadline.optimum import optimal_usd

Bools = npt.NDArray[np.bool_]

CHOICE = (ReplyField(name="choice", dtype="int64", shape=(2,)),)
_MODES = {int(mode): mode for mode in Mode}


class Tick(NamedTuple):
    """What happened in one tick."""

    choice: Choice  # after the guard
    forced: bool  # the guard's choice, not the program's
    started: bool  # a machine was started
    moved: bool  # with the checkpoint from elsewhere
    usd: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scenario:
    """One job under one availability; see `build_scenario`."""

    name: str
    regime: str
    job: Job
    available_TR: Bools
    candidate_seed: int
    optimum_usd: float

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Run the job with a fresh program and score what it cost."""
        del clock  # decisions are minutes apart: no time is charged
        return self.result(self.run(candidate))

    def run(self, candidate: Candidate) -> list[Tick]:
        """The ticks until the job is done, which the guard makes certain before the deadline."""
        candidate.construct("Policy", self.config())
        job, state, ticks = self.job, self.job.start, list[Tick]()
        rows: list[list[bool]] = self.available_TR.tolist()
        while state.done < job.work:
            available = rows[state.tick]
            state = seen(state, available)
            wanted = Choice(state.mode, state.region) if is_settled(job, state) else _ask(candidate, state, available)
            choice = guarded(job, state, wanted)
            after, usd = advance(job, state, choice)
            runs = choice.mode is not Mode.IDLE
            started = runs and choice != (state.mode, state.region)
            moved = runs and choice.region != state.region
            ticks.append(Tick(choice, choice != wanted or is_settled(job, state), started, moved, usd))
            state = after
        return ticks

    def result(self, ticks: list[Tick]) -> InstanceResult:
        """Score and metrics of a finished job."""
        cost_usd = math.fsum(tick.usd for tick in ticks)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=max(FLOOR, self.score(cost_usd)),
            metrics=self._metrics(ticks, cost_usd),
        )

    def score(self, cost_usd: float) -> float:
        """0 at the cost of on demand only, 1 at the optimum."""
        weak_usd = self.job.on_demand_only_usd
        return (weak_usd - cost_usd) / (weak_usd - self.optimum_usd)

    def config(self) -> dict[str, Argument]:
        """What a program is told of the job."""
        job = self.job
        return {
            "work": job.work,
            "deadline": job.deadline,
            "overhead": job.overhead,
            "regions": job.regions,
            "tick_s": job.tick_s,
            "spot_usd": list(job.spot_usd),
            "on_demand_usd": list(job.on_demand_usd),
            "move_usd": job.move_usd,
            "seed": self.candidate_seed,
        }

    def _metrics(self, ticks: list[Tick], cost_usd: float) -> dict[str, float]:
        modes = [tick.choice.mode for tick in ticks]
        share = {mode: modes.count(mode) / len(modes) for mode in Mode}
        return {
            "cost_usd": cost_usd,
            "optimum_usd": self.optimum_usd,
            "optimum_over_cost": self.optimum_usd / cost_usd,
            "cost_over_optimum": cost_usd / self.optimum_usd,
            "saving": 1.0 - cost_usd / self.job.on_demand_only_usd,
            "spot_share": share[Mode.SPOT],
            "on_demand_share": share[Mode.ON_DEMAND],
            "idle_share": share[Mode.IDLE],
            "starts": float(sum(tick.started for tick in ticks)),
            "moves": float(sum(tick.moved for tick in ticks)),
            "forced_share": sum(tick.forced for tick in ticks) / len(ticks),
            "spare_h": (self.job.deadline - len(ticks)) * self.job.tick_s / 3600,
        }


def build_scenario(name: str, regime: str, job: Job, available_TR: Bools, candidate_seed: int) -> Scenario:
    """The scenario with its optimum computed."""
    return Scenario(
        name=name,
        regime=regime,
        job=job,
        available_TR=available_TR,
        candidate_seed=candidate_seed,
        optimum_usd=optimal_usd(job, available_TR),
    )


def _ask(candidate: Candidate, state: State, available: list[bool]) -> Choice:
    arguments: list[Argument] = [state.tick, state.done, int(state.mode), state.region, state.pending, available]
    mode, region = candidate.method("step", arguments, CHOICE).arrays["choice"].tolist()
    return read_choice(mode, region, available, state.tick)


def read_choice(mode: int, region: int, available: list[bool], tick: int) -> Choice:
    """The program's answer as a choice.

    Raises:
        CandidateFailure: `INVALID`: no such mode or region, or spot where there is none.
    """
    if mode not in _MODES:
        raise _invalid(tick, f"the mode must be 0 (idle), 1 (spot) or 2 (on demand), found {mode}")
    if not 0 <= region < len(available):
        raise _invalid(tick, f"the region must be from 0 to {len(available) - 1}, found {region}")
    if mode == Mode.SPOT and not available[region]:
        raise _invalid(tick, f"spot was chosen in region {region}, where available says that there is none")
    return Choice(_MODES[mode], region)


def _invalid(tick: int, detail: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, f"step, tick {tick}: {detail}")
