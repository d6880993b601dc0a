"""Runs a shop moment by moment: durations may differ from what was expected, and jobs may block their machines.

A decision is due when a machine is free and a job waits for it. On offer are the jobs that wait, and those that run
elsewhere and are expected before the first of all these would end. Taking one that is not there leaves the machine idle
until the next event, when it asks anew. Nothing here looks at a duration before its operation has ended.

With `blocking` there are no buffers: a job stays on its machine until the next one takes it. Jobs that wait for each
other in a circle move at once, all together. So no shop can lock up: follow a waiting job to the machine it wants and
on from that machine's holder; the path ends at a running job, at a free machine, which takes a job, or in a circle.
"""

from __future__ import annotations

import heapq

from evaluators.scheduling.job_shop.schedule import Choose, Offer, Progress, Schedule, conflict
from evaluators.scheduling.job_shop.shop import Rows, Shop

NOBODY = -1
OUTSIDE = -1


class Simulation:
    """One run from time zero; `schedule` once."""

    def __init__(self, shop: Shop, realised: Rows, choose: Choose, *, blocking: bool) -> None:
        self._realised = realised
        self._choose = choose
        self._blocking = blocking
        self._progress = Progress(shop)
        self._now = 0
        self._holders = [NOBODY] * shop.num_machines
        self._places = [OUTSIDE] * shop.num_jobs  # the machine a job is on, or was on last
        self._running: dict[int, int] = {}  # job -> expected end
        self._events: list[tuple[int, int]] = []  # true end, job
        self._arrivals = [0] * shop.num_jobs  # when the job's last operation ended
        self._starts: list[list[int]] = [[] for _ in shop.routes]
        self._ends: list[list[int]] = [[] for _ in shop.routes]

    def schedule(self) -> Schedule:
        """Run to the end."""
        self._dispatch()
        while self._events:
            self._now = self._events[0][0]
            while self._events and self._events[0][0] == self._now:
                self._end(heapq.heappop(self._events)[1])
            if self._blocking:
                self._turn_circles()
            self._dispatch()
        return Schedule(tuple(map(tuple, self._starts)), tuple(map(tuple, self._ends)))

    def _dispatch(self) -> None:
        """Ask every free machine, and again those that a moving job has freed; none twice that prefers to wait."""
        patient: set[int] = set()
        is_settled = False
        while not is_settled:
            is_settled = True
            for machine, holder in enumerate(self._holders):
                if holder != NOBODY or machine in patient:
                    continue
                job = self._chosen(machine)
                if job is None:
                    patient.add(machine)
                    continue
                self._begin(job, machine)
                is_settled = not self._blocking

    def _chosen(self, machine: int) -> int | None:
        """The job to begin now, or None to wait."""
        self._progress.machines_held = len(self._holders) - self._holders.count(NOBODY)
        offer = self._offer(machine)
        if offer is None:
            return None
        place = self._choose(offer, self._progress) if offer.may_wait or len(offer.jobs) > 1 else 0
        if place is None:
            return None
        job = offer.jobs[place]
        return None if job in self._running else job

    def _offer(self, machine: int) -> Offer | None:
        jobs = list(self._progress.queues[machine])
        if all(job in self._running for job in jobs):
            return None
        arrivals = [self._arrival(job) for job in jobs]
        starts = [max(arrival, self._now) for arrival in arrivals]
        cutoff = min(start + self._progress.next_duration(job) for start, job in zip(starts, jobs, strict=True))
        # Where nothing runs a machine that waited would wait for ever.
        may_wait = self._blocking and bool(self._running)
        return conflict(machine, jobs, starts, arrivals, cutoff, may_wait=may_wait)

    def _arrival(self, job: int) -> int:
        """When the job was done elsewhere, or is expected to be; one that is overdue is expected in the next moment."""
        expected = self._running.get(job)
        return self._arrivals[job] if expected is None else max(expected, self._now + 1)

    def _begin(self, job: int, machine: int) -> None:
        left = self._places[job]
        if self._blocking and left != OUTSIDE and self._holders[left] == job:
            self._holders[left] = NOBODY
        op = self._progress.next_op[job]
        end = self._now + self._realised[job][op]
        self._holders[machine], self._places[job] = job, machine
        self._running[job] = self._now + self._progress.next_duration(job)
        self._progress.machine_free[machine] = self._running[job]
        self._starts[job].append(self._now)
        self._ends[job].append(end)
        heapq.heappush(self._events, (end, job))
        self._progress.start(job)

    def _end(self, job: int) -> None:
        del self._running[job]
        self._arrivals[job] = self._now
        if not self._blocking or self._progress.next_machine(job) == NOBODY:
            self._holders[self._places[job]] = NOBODY

    def _turn_circles(self) -> None:
        """Move jobs that wait for each other in a circle."""
        for machine in range(len(self._holders)):
            circle = self._circle_from(machine)
            moves = [(job, self._progress.next_machine(job)) for job in circle]
            for job in circle:
                self._holders[self._places[job]] = NOBODY
            for job, target in moves:
                self._begin(job, target)

    def _circle_from(self, machine: int) -> list[int]:
        """The waiting jobs on a circle through `machine`; none if there is no such circle."""
        jobs: list[int] = []
        place = machine
        for _ in self._holders:
            holder = self._holders[place]
            if holder == NOBODY or holder in self._running:
                return []
            jobs.append(holder)
            place = self._progress.next_machine(holder)
            if place == machine:
                return jobs
        return []


def simulate(shop: Shop, realised: Rows, choose: Choose, *, blocking: bool) -> Schedule:
    """The schedule that `choose` makes where operations take `realised` in truth, expected to take `shop.durations`."""
    return Simulation(shop, realised, choose, blocking=blocking).schedule()
