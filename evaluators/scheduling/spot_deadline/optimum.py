"""The cheapest way to meet the deadline when every availability is known: the bound of the score, and its plan.

Backward dynamic programming over the states of `job.State` and under the guard, so that it is the least cost any
program can have, and the cost of a plan the engine accepts. A test compares it with all plans of tiny jobs.

Shapes: R regions, D overhead + 1 (ticks still pending, 0 to overhead), P work + 1 (ticks done), T ticks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError
from evaluators.scheduling.spot_deadline.job import Choice, Job, Mode, State, advance, is_safe, seen

MOST_CELLS = 5 * 10**8  # of all tables together; some 60 ns each
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class CostToGo:
    """Least cost from each state to the end, seen as a tick begins."""

    idle_RP: Floats
    spot_RDP: Floats  # running, still there, and pending
    on_demand_RDP: Floats

    def of(self, state: State) -> float:
        """The least cost from `state` on."""
        match state.mode:
            case Mode.SPOT:
                return float(self.spot_RDP[state.region, state.pending, state.done])
            case Mode.ON_DEMAND:
                return float(self.on_demand_RDP[state.region, state.pending, state.done])
        return float(self.idle_RP[state.region, state.done])


def check_size(job: Job) -> None:
    """Nothing, if the optimum of the job can be had in about half a minute.

    Raises:
        ContractError: Its tables have too many cells.
    """
    cells = job.regions * (job.overhead + 1) * (job.work + 1) * job.deadline
    if cells > MOST_CELLS:
        raise ContractError(
            f"tick_s: the optimum of a job of {job.work} ticks of work, {job.deadline} until the deadline, "
            f"{job.overhead} of overhead and {job.regions} regions takes {cells:.2g} steps, expected at most "
            f"{MOST_CELLS:.0e}; set longer ticks, or fewer regions, hours of work or hours of overhead"
        )


def optimal_usd(job: Job, available_TR: Bools) -> float:
    """The least cost of the job."""
    *_, first = _backward(job, available_TR)
    return first.of(job.start)


def optimal_plan(job: Job, available_TR: Bools) -> tuple[Choice, ...]:
    """A plan of that cost, a choice per tick until the job is done; keeps all of the table, so for pictures."""
    to_go = list(_backward(job, available_TR))[::-1]
    every = [Choice(mode, region) for mode in (Mode.SPOT, Mode.ON_DEMAND) for region in range(job.regions)]
    state, plan = job.start, list[Choice]()
    while state.done < job.work:
        here = available_TR[state.tick]
        state = seen(state, here)
        allowed = [Choice(Mode.IDLE, state.region), *every]
        allowed = [c for c in allowed if (c.mode is not Mode.SPOT or here[c.region]) and is_safe(job, state, c)]
        costs = [_cost_through(job, state, choice, to_go, available_TR) for choice in allowed]
        plan.append(allowed[costs.index(min(costs))])
        state, _ = advance(job, state, plan[-1])
    return tuple(plan)


def _cost_through(job: Job, state: State, choice: Choice, to_go: list[CostToGo], available_TR: Bools) -> float:
    after, usd = advance(job, state, choice)
    if after.done == job.work:
        return usd
    return usd + to_go[after.tick].of(seen(after, available_TR[after.tick]))


def _backward(job: Job, available_TR: Bools) -> Iterator[CostToGo]:
    """The tables after the deadline, then before each tick from the last to the first."""
    regions, pending, done = job.regions, job.overhead + 1, job.work + 1
    unfinished = np.full((regions, pending, done), np.inf)
    unfinished[..., -1] = 0.0
    table = CostToGo(unfinished[:, 0], unfinished, unfinished)
    yield table
    for tick in range(job.deadline - 1, -1, -1):
        table = _before(job, tick, available_TR[tick], table)
        yield table


def _before(job: Job, tick: int, available_R: Bools, after: CostToGo) -> CostToGo:
    slack_P = job.deadline - tick - (job.work - np.arange(job.work + 1))
    spare_P = np.where(slack_P > job.overhead, 0.0, np.inf)  # the guard on what makes no progress
    spare_if_progress_P = np.where(slack_P >= job.overhead, 0.0, np.inf)
    spot_usd = np.where(available_R, job.spot_usd, np.inf)[:, None, None]
    on_demand_usd = np.array(job.on_demand_usd)[:, None, None]

    spot_RDP = spot_usd + _tick_spent(after.spot_RDP) + spare_P
    spot_RDP[:, 0] = (spot_usd + _tick_spent(after.spot_RDP))[:, 0] + spare_if_progress_P
    on_demand_RDP = on_demand_usd + _tick_spent(after.on_demand_RDP)

    fresh_RP = np.minimum(spot_RDP[:, -1], on_demand_RDP[:, -1] + spare_if_progress_P)
    anywhere_RP = np.minimum(fresh_RP, fresh_RP.min(axis=0) + job.move_usd)
    leave_RP = np.minimum(anywhere_RP, after.idle_RP + spare_P)
    leave_RP[:, -1] = 0.0
    leave_R1P = leave_RP[:, None]
    return CostToGo(leave_RP, np.minimum(spot_RDP, leave_R1P), np.minimum(on_demand_RDP, leave_R1P))


def _tick_spent(after_RDP: Floats) -> Floats:
    """Cost to go after one tick of running, by what is pending and done before it."""
    spent = np.empty_like(after_RDP)
    spent[:, 1:] = after_RDP[:, :-1]
    spent[:, 0, :-1] = after_RDP[:, 0, 1:]
    spent[:, 0, -1] = 0.0
    return spent
