"""The cluster, tick by tick: what is seen, what may be decided, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.scheduling.cluster_balance.workload import Bools, Floats, Ints, Workload

NOWHERE = -1
OFF = -1
SLACK = 1e-9  # of a capacity, for sums of demands


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known at the start of a tick; J jobs are in the system, F ended in the tick before. All are copies."""

    tick: int
    job_J: Ints  # numbers of the jobs, in order of arrival
    machine_J: Ints  # where each ran in the tick before; -1: nowhere
    ran_J: Floats  # ticks that each ran so far, those without progress left out
    boot_M: Ints  # -1 off, 0 ready, else ticks until ready
    ended_F: Ints  # numbers
    ended_ran_F: Floats  # ticks that they ran, those without progress left out
    ended_machine_F: Ints  # where they ended


Decide = Callable[[Seen], tuple[Ints, Bools]]


@dataclass(slots=True)
class Played:
    """What happened."""

    flow_cost: float = 0.0
    price: float = 0.0
    moves: int = 0
    starts: int = 0
    ticks: int = 0
    machine_ticks: int = 0
    flow_N: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def cost(self) -> float:
        """Weighted flow time and the price of machines."""
        return self.flow_cost + self.price


def run(workload: Workload, decide: Decide) -> Played:
    """Play `decide` until all jobs are done.

    Raises:
        CandidateFailure: `INVALID`: a decision that cannot be carried out, or jobs that are not done by the limit.
    """
    fleet, jobs = workload.fleet, workload.jobs
    played = Played(flow_N=np.zeros(jobs.size_N.size))
    left_N, ran_N = jobs.size_N.copy(), np.zeros(jobs.size_N.size)
    machine_N = np.full(jobs.size_N.size, NOWHERE, dtype=np.int64)
    pending_N = np.zeros(jobs.size_N.size, dtype=np.int64)
    begun_N = np.zeros(jobs.size_N.size, dtype=bool)
    boot_M = np.zeros(fleet.speed_M.size, dtype=np.int64)
    alive = np.zeros(0, dtype=np.int64)
    ended = np.zeros(0, dtype=np.int64)
    arrived, tick = 0, 0
    while arrived < left_N.size or alive.size:
        if tick > workload.limit:
            raise _invalid(tick, f"expected all jobs done by tick {workload.limit}, found {alive.size} that are not")
        until = int(np.searchsorted(jobs.arrival_N, tick, side="right"))
        alive = np.concatenate([alive, np.arange(arrived, until)])
        arrived = until
        seen = Seen(
            tick=tick,
            job_J=alive.copy(),
            machine_J=machine_N[alive],
            ran_J=ran_N[alive],
            boot_M=boot_M.copy(),
            ended_F=ended.copy(),
            ended_ran_F=ran_N[ended],
            ended_machine_F=machine_N[ended],
        )
        place_J, on_M = decide(seen)
        boot_M = _switched(boot_M, on_M, fleet.boot, played)
        check(workload, tick, place_J, jobs.demand_N2[alive], boot_M)
        before_J = machine_N[alive]
        again_J = (place_J != before_J) & (place_J != NOWHERE) & begun_N[alive]
        pending_N[alive[again_J]] = fleet.move
        played.moves += int(again_J.sum())
        machine_N[alive] = place_J
        runs = alive[place_J != NOWHERE]
        begun_N[runs] = True
        waits = pending_N[runs] > 0
        pending_N[runs[waits]] -= 1
        runs = runs[~waits]
        slow_M = fleet.slow_TM[tick] if tick < fleet.slow_TM.shape[0] else 1.0
        speed = (fleet.speed_M * slow_M)[machine_N[runs]]
        needed = left_N[runs] / speed
        is_done = needed <= 1.0
        ran_N[runs] += np.minimum(needed, 1.0)
        left_N[runs] -= speed
        ended = runs[is_done]
        played.flow_N[ended] = tick + needed[is_done] - jobs.arrival_N[ended]
        alive = alive[~np.isin(alive, ended)] if ended.size else alive
        on = boot_M != OFF
        played.price += float(fleet.price_M[on].sum())
        played.machine_ticks += int(on.sum())
        boot_M = np.where(boot_M > 0, boot_M - 1, boot_M)
        tick += 1
    played.ticks = tick
    played.flow_cost = float(played.flow_N @ jobs.weight_N)
    return played


def check(workload: Workload, tick: int, place_J: Ints, demand_J2: Floats, boot_M: Ints) -> None:
    """Refuse what cannot be carried out.

    Raises:
        CandidateFailure: `INVALID`: no such machine, one that is not ready, or one with more than it holds.
    """
    machines = boot_M.size
    wrong = (place_J < NOWHERE) | (place_J >= machines)
    if wrong.any():
        raise _invalid(tick, f"expected machines from -1 to {machines - 1} in place, found {int(place_J[wrong][0])}")
    placed = place_J[place_J != NOWHERE]
    unready = placed[boot_M[placed] != 0]
    if unready.size:
        state = "off" if boot_M[unready[0]] == OFF else "booting"
        raise _invalid(tick, f"expected jobs on machines that are on, found one on machine {int(unready[0])}: {state}")
    for resource, name in enumerate(("cores", "GB of memory")):
        used_M = np.bincount(placed, weights=demand_J2[place_J != NOWHERE, resource], minlength=machines)
        capacity_M = workload.fleet.capacity_M2[:, resource]
        over = np.flatnonzero(used_M > capacity_M * (1 + SLACK))
        if over.size:
            here = int(over[0])
            raise _invalid(
                tick, f"machine {here}: expected at most {capacity_M[here]:g} {name}, found {used_M[here]:g}"
            )


def _switched(boot_M: Ints, on_M: Bools, boot: int, played: Played) -> Ints:
    starts_M = on_M & (boot_M == OFF)
    played.starts += int(starts_M.sum())
    return np.where(on_M, np.where(starts_M, boot, boot_M), OFF)


def _invalid(tick: int, detail: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, f"tick {tick}: {detail}")
