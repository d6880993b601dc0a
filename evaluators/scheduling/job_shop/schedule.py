"""What the engines share: decisions to take, how far the jobs are, and the schedule that results.

Shapes: J jobs, M machines; a job's k-th operation is k in 0 .. M - 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaluators.scheduling.job_shop.shop import Rows, Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A machine and the jobs it may take next, lowest job first; times are expected ones where durations are noisy."""

    machine: int
    jobs: tuple[int, ...]
    starts: tuple[int, ...]  # when the machine could begin each
    arrivals: tuple[int, ...]  # when each job is done elsewhere
    earliest: int  # the smallest of `starts`
    may_wait: bool = False  # whether the machine may stay empty although a job waits for it
    cutoff: int  # the earliest end of any of them: who starts later than that would only waste the machine's time


# From the jobs on offer and the progress so far, the place within `Offer.jobs` of the one to take; None, where
# `Offer.may_wait`, to leave the machine empty until the next event.
Choose = Callable[[Offer, "Progress"], int | None]


class Progress:
    """How far each job is, and the work that lies ahead of each machine; expected durations."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.next_op = [0] * shop.num_jobs
        self.ops_started = 0
        self.machine_free = [0] * shop.num_machines  # when each is expected to have done what it has begun
        self.machines_held = 0  # machines with a job on them, where engines know of a present moment
        self.load_left = [0] * shop.num_machines  # work of all operations not started
        self.queues: list[set[int]] = [set() for _ in range(shop.num_machines)]  # jobs that go there next
        self.queued_work = [0] * shop.num_machines  # their operations there
        for job, (route, work) in enumerate(zip(shop.routes, shop.durations, strict=True)):
            for machine, duration in zip(route, work, strict=True):
                self.load_left[machine] += duration
            self._queue(job)

    def start(self, job: int) -> None:
        """The next operation of `job` begins."""
        op = self.next_op[job]
        machine, duration = self.shop.routes[job][op], self.shop.durations[job][op]
        self.load_left[machine] -= duration
        self.queued_work[machine] -= duration
        self.queues[machine].discard(job)
        self.next_op[job] = op + 1
        self.ops_started += 1
        if op + 1 < self.shop.num_machines:
            self._queue(job)

    def next_machine(self, job: int) -> int:
        """Where the job goes next; -1 after its last operation has begun."""
        op = self.next_op[job]
        return self.shop.routes[job][op] if op < self.shop.num_machines else -1

    def next_duration(self, job: int) -> int:
        """How long its next operation is expected to take; the job must have one."""
        return self.shop.durations[job][self.next_op[job]]

    def _queue(self, job: int) -> None:
        machine = self.next_machine(job)
        self.queues[machine].add(job)
        self.queued_work[machine] += self.next_duration(job)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each operation began and ended."""

    starts: Rows  # [J][M]
    ends: Rows  # [J][M]

    @property
    def makespan(self) -> int:
        """When the last operation ends."""
        return max(row[-1] for row in self.ends)

    def leaves(self, *, blocking: bool) -> Rows:
        """``[J][M]`` when each job leaves the machine: at its end, or where it blocks when its next one begins."""
        if not blocking:
            return self.ends
        return tuple((*starts[1:], ends[-1]) for starts, ends in zip(self.starts, self.ends, strict=True))


def conflict(
    machine: int,
    jobs: Sequence[int],
    starts: Sequence[int],
    arrivals: Sequence[int],
    ends: int,
    *,
    may_wait: bool = False,
) -> Offer:
    """The offer of those jobs that could start before `ends`, the earliest end of any of them; lowest job first."""
    rows = sorted(row for row in zip(jobs, starts, arrivals, strict=True) if row[1] < ends)
    names, begins, comes = zip(*rows, strict=True)
    return Offer(
        machine=machine,
        jobs=names,
        starts=begins,
        arrivals=comes,
        earliest=min(begins),
        cutoff=ends,
        may_wait=may_wait,
    )
