"""Proven lower bounds of the makespan; they hold for every schedule, blocking or not.

Source: J. R. Jackson (1955) for the preemptive one-machine schedule; J. Carlier, "The one-machine sequencing problem",
European Journal of Operational Research 11 (1982), for its use as a bound.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from evaluators.scheduling.job_shop.shop import Shop

Task = tuple[int, int, int]  # head, duration, tail


def makespan_bound(shop: Shop) -> int:
    """The largest of the longest job and every machine's preemptive one-machine bound."""
    longest_job = max(sum(work) for work in shop.durations)
    return max(longest_job, *(one_machine_bound(tasks) for tasks in machine_tasks(shop)))


def machine_tasks(shop: Shop) -> list[list[Task]]:
    """Per machine, its operations with the time their jobs need before and after them."""
    tasks: list[list[Task]] = [[] for _ in range(shop.num_machines)]
    for route, work, heads, tails in zip(shop.routes, shop.durations, shop.heads, shop.tails, strict=True):
        for machine, duration, head, tail in zip(route, work, heads, tails, strict=True):
            tasks[machine].append((head, duration, tail))
    return tasks


def trivial_bound(shop: Shop) -> int:
    """The longest job, or a machine's smallest head, work and smallest tail: weaker, and without any sorting."""
    longest_job = max(sum(work) for work in shop.durations)
    machines = (
        min(head for head, _, _ in tasks) + sum(work for _, work, _ in tasks) + min(tail for _, _, tail in tasks)
        for tasks in machine_tasks(shop)
    )
    return max(longest_job, *machines)


def one_machine_bound(tasks: Sequence[Task]) -> int:
    """When the last tail ends in the best preemptive schedule of one machine.

    At every moment the released task with the longest tail runs, which is optimal with preemption; no schedule without
    preemption, hence no job shop schedule, ends earlier.
    """
    arrivals = sorted(tasks)
    waiting: list[tuple[int, int]] = []  # minus tail, time left
    now = latest = place = 0
    while waiting or place < len(arrivals):
        if not waiting:
            now = max(now, arrivals[place][0])
        while place < len(arrivals) and arrivals[place][0] <= now:
            _, duration, tail = arrivals[place]
            heapq.heappush(waiting, (-tail, duration))
            place += 1
        minus_tail, left = heapq.heappop(waiting)
        until = arrivals[place][0] if place < len(arrivals) else now + left
        run = min(left, until - now)
        now += run
        if run < left:
            heapq.heappush(waiting, (minus_tail, left - run))
        else:
            latest = max(latest, now - minus_tail)
    return latest
