"""Builds classic schedules one operation at a time, with the conflict sets of Giffler and Thompson.

Every known duration is used: the job that could end first, anywhere, names the machine, and all jobs that could start
there before that end are on offer. Taking any of them gives an active schedule; taking only those that can start
first gives a non-delay schedule; what lies between is the delay window.

Sources: B. Giffler and G. L. Thompson, "Algorithms for solving production-scheduling problems", Operations Research 8
(1960); R. H. Storer, S. D. Wu and R. Vaccari, "New search spaces for sequencing problems with application to job shop
scheduling", Management Science 38 (1992), for the window between the two.
"""

from __future__ import annotations

from evaluators.scheduling.job_shop.schedule import Choose, Offer, Progress, Schedule, conflict
from evaluators.scheduling.job_shop.shop import Shop


def build(shop: Shop, choose: Choose) -> Schedule:
    """The schedule that `choose` makes; it is asked only where two or more jobs are on offer."""
    progress = Progress(shop)
    job_free = [0] * shop.num_jobs
    starts: list[list[int]] = [[] for _ in shop.routes]
    ends: list[list[int]] = [[] for _ in shop.routes]
    for _ in range(shop.num_jobs * shop.num_machines):
        offer = _next_offer(progress, job_free)
        place = (choose(offer, progress) if len(offer.jobs) > 1 else 0) or 0  # None is for offers that may wait
        job, start = offer.jobs[place], offer.starts[place]
        end = start + progress.next_duration(job)
        starts[job].append(start)
        ends[job].append(end)
        job_free[job] = progress.machine_free[offer.machine] = end
        progress.start(job)
    return Schedule(tuple(map(tuple, starts)), tuple(map(tuple, ends)))


def _next_offer(progress: Progress, job_free: list[int]) -> Offer:
    machine_free = progress.machine_free
    first_end, first_machine = min(
        (max(job_free[job], machine_free[machine]) + progress.next_duration(job), machine)
        for machine, queue in enumerate(progress.queues)
        for job in queue
    )
    jobs = list(progress.queues[first_machine])
    arrivals = [job_free[job] for job in jobs]
    starts = [max(arrival, machine_free[first_machine]) for arrival in arrivals]
    return conflict(first_machine, jobs, starts, arrivals, first_end)
