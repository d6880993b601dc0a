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
    cluster = _Cluster(workload)
    while not cluster.is_done:
        cluster.play_tick(decide)
    return cluster.summed_up()


class _Cluster:
    """Where every job and machine stands; N jobs in all, those in the system are `alive`."""

    def __init__(self, workload: Workload) -> None:
        jobs = workload.jobs.size_N.size
        self.workload = workload
        self.played = Played(flow_N=np.zeros(jobs))
        self.left_N, self.ran_N = workload.jobs.size_N.copy(), np.zeros(jobs)
        self.machine_N = np.full(jobs, NOWHERE, dtype=np.int64)
        self.pending_N = np.zeros(jobs, dtype=np.int64)  # ticks without progress that are still to come
        self.begun_N = np.zeros(jobs, dtype=bool)
        self.boot_M = np.zeros(workload.fleet.speed_M.size, dtype=np.int64)
        self.alive = self.ended = np.zeros(0, dtype=np.int64)
        self.arrived = 0

    @property
    def is_done(self) -> bool:
        """Whether all jobs have come and gone."""
        return self.arrived == self.left_N.size and not self.alive.size

    def play_tick(self, decide: Decide) -> None:
        """Let jobs come, ask, and do what is decided for one tick.

        Raises:
            CandidateFailure: `INVALID`.
        """
        tick = self.played.ticks
        if tick > self.workload.limit:
            limit, left = self.workload.limit, self.alive.size
            raise _invalid(tick, f"expected all jobs done by tick {limit}, found {left} that are not")
        until = int(np.searchsorted(self.workload.jobs.arrival_N, tick, side="right"))
        self.alive = np.concatenate([self.alive, np.arange(self.arrived, until)])
        self.arrived = until
        place_J, on_M = decide(self._seen())
        self.boot_M = _switched(self.boot_M, on_M, self.workload.fleet.boot, self.played)
        check(self.workload, tick, place_J, self.workload.jobs.demand_N2[self.alive], self.boot_M)
        self._work(self._placed(place_J))
        on_M = self.boot_M != OFF
        self.played.price += float(self.workload.fleet.price_M[on_M].sum())
        self.played.machine_ticks += int(on_M.sum())
        self.boot_M = np.where(self.boot_M > 0, self.boot_M - 1, self.boot_M)
        self.played.ticks = tick + 1

    def summed_up(self) -> Played:
        """What happened, with the cost of the jobs' times."""
        self.played.flow_cost = float(self.played.flow_N @ self.workload.jobs.weight_N)
        return self.played

    def _seen(self) -> Seen:
        return Seen(
            tick=self.played.ticks,
            job_J=self.alive.copy(),
            machine_J=self.machine_N[self.alive],
            ran_J=self.ran_N[self.alive],
            boot_M=self.boot_M.copy(),
            ended_F=self.ended.copy(),
            ended_ran_F=self.ran_N[self.ended],
            ended_machine_F=self.machine_N[self.ended],
        )

    def _placed(self, place_J: Ints) -> Ints:
        """The jobs that make progress in this tick, once all are where the decision puts them."""
        again_J = (place_J != self.machine_N[self.alive]) & (place_J != NOWHERE) & self.begun_N[self.alive]
        self.pending_N[self.alive[again_J]] = self.workload.fleet.move
        self.played.moves += int(again_J.sum())
        self.machine_N[self.alive] = place_J
        runs = self.alive[place_J != NOWHERE]
        self.begun_N[runs] = True
        waits = self.pending_N[runs] > 0
        self.pending_N[runs[waits]] -= 1
        progressing: Ints = runs[~waits]
        return progressing

    def _work(self, runs: Ints) -> None:
        """A tick's work of these jobs; those that are done leave."""
        tick, slow_TM = self.played.ticks, self.workload.fleet.slow_TM
        slow_M = slow_TM[tick] if tick < slow_TM.shape[0] else 1.0
        speed = (self.workload.fleet.speed_M * slow_M)[self.machine_N[runs]]
        needed = self.left_N[runs] / speed
        is_done = needed <= 1.0
        self.ran_N[runs] += np.minimum(needed, 1.0)
        self.left_N[runs] -= speed
        self.ended = runs[is_done]
        self.played.flow_N[self.ended] = tick + needed[is_done] - self.workload.jobs.arrival_N[self.ended]
        self.alive = self.alive[~np.isin(self.alive, self.ended)]


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
