"""The job and the rules of its machines, in whole ticks: what runs, what it costs, what the deadline still allows.

Vocabulary: R regions; a region's *spot* machines are cheap and can be taken away, its *on-demand* machines are always
there. Whatever starts a machine (first start, reclaimed spot, other kind, other region) pays `overhead` ticks without
progress. The checkpoint lies where the job ran last; starting elsewhere pays for moving it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError

_ROUNDING = 1e-9  # of a tick: 48 h are 720 ticks of 240 s, not 721


class Mode(IntEnum):
    """What a tick is spent on; the numbers are the program's."""

    IDLE = 0
    SPOT = 1
    ON_DEMAND = 2


class Choice(NamedTuple):
    """A decision for one tick. `region` counts for nothing while idle: the checkpoint stays."""

    mode: Mode
    region: int


class State(NamedTuple):
    """Where a job stands before a tick."""

    tick: int
    done: int  # ticks of work
    mode: Mode  # what ran in the tick before; idle if that was spot and it is gone
    region: int  # of the checkpoint, and of what runs
    pending: int  # ticks that what runs still needs before it makes progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work, deadline and prices."""

    tick_s: float
    work: int  # ticks of progress wanted
    deadline: int  # ticks there are
    overhead: int  # ticks that every start takes
    spot_usd: tuple[float, ...]  # per tick, by region
    on_demand_usd: tuple[float, ...]
    move_usd: float  # for the checkpoint, from any region to any other

    @property
    def regions(self) -> int:
        """How many there are; region 0 holds the input."""
        return len(self.spot_usd)

    @property
    def start(self) -> State:
        """Before the first tick."""
        return State(0, 0, Mode.IDLE, 0, 0)

    @property
    def on_demand_only_usd(self) -> float:
        """What it costs to start on demand in region 0 at once and stay there: the weak baseline."""
        return math.fsum([self.on_demand_usd[0]] * (self.overhead + self.work))

    def slack(self, state: State) -> int:
        """Ticks left beyond the work left."""
        return self.deadline - state.tick - (self.work - state.done)

    def usd(self, choice: Choice) -> float:
        """Price of one tick."""
        match choice.mode:
            case Mode.SPOT:
                return self.spot_usd[choice.region]
            case Mode.ON_DEMAND:
                return self.on_demand_usd[choice.region]
        return 0.0


def job_of_hours(
    *,
    work_h: float,
    deadline_h: float,
    overhead_h: float,
    tick_s: float,
    spot_usd_per_h: Sequence[float],
    on_demand_usd_per_h: Sequence[float],
    move_usd: float,
) -> Job:
    """The job in ticks: work rounded up, the deadline down, the overhead to the nearest tick.

    Raises:
        ContractError: Not even an on-demand machine from the first tick on can make the deadline.
    """
    tick_h = tick_s / 3600
    job = Job(
        tick_s=tick_s,
        work=math.ceil(work_h / tick_h - _ROUNDING),
        deadline=math.floor(deadline_h / tick_h + _ROUNDING),
        overhead=round(overhead_h / tick_h),
        spot_usd=tuple(price * tick_h for price in spot_usd_per_h),
        on_demand_usd=tuple(price * tick_h for price in on_demand_usd_per_h),
        move_usd=move_usd,
    )
    if job.deadline < job.work + job.overhead:
        raise ContractError(
            f"deadline_h: expected at least the work and one start, {(job.work + job.overhead) * tick_h:.4g} h "
            f"in whole ticks, found {deadline_h:g} h; raise deadline_h or lower work_h or overhead_h"
        )
    return job


def seen(state: State, available: Sequence[bool] | npt.NDArray[np.bool_]) -> State:
    """The state as the tick begins: spot that is gone is no longer running."""
    if state.mode is Mode.SPOT and not available[state.region]:
        return State(state.tick, state.done, Mode.IDLE, state.region, 0)
    return state


def advance(job: Job, state: State, choice: Choice) -> tuple[State, float]:
    """The state after a tick spent as chosen, and its price, moving the checkpoint included."""
    tick, done, mode, region, pending = state
    if choice.mode is Mode.IDLE:
        return State(tick + 1, done, Mode.IDLE, region, 0), 0.0
    usd = job.usd(choice)
    if choice.region != region:
        usd += job.move_usd
    if choice != (mode, region):
        pending = job.overhead
    if pending:
        return State(tick + 1, done, choice.mode, choice.region, pending - 1), usd
    return State(tick + 1, done + 1, choice.mode, choice.region, 0), usd


def is_safe(job: Job, state: State, choice: Choice) -> bool:
    """Whether the deadline is certain to be met after a tick spent as chosen, by on-demand machines if need be.

    Going on on demand is safe as long as it was safe to start. A fresh on-demand machine needs its overhead; anything
    else must leave a tick more, for on demand to start in the next one.
    """
    going_on = choice == (state.mode, state.region)
    if choice.mode is Mode.ON_DEMAND:
        return going_on or job.slack(state) >= job.overhead
    pending = state.pending if going_on else job.overhead
    progress = choice.mode is Mode.SPOT and pending == 0
    return job.slack(state) + progress > job.overhead


def guarded(job: Job, state: State, choice: Choice) -> Choice:
    """The choice, or on demand where the choice would risk the deadline."""
    if is_safe(job, state, choice):
        return choice
    return Choice(Mode.ON_DEMAND, state.region)


def is_settled(job: Job, state: State) -> bool:
    """Whether the guard would turn any choice into going on on demand, so that asking is pointless."""
    return state.mode is Mode.ON_DEMAND and job.slack(state) < job.overhead
