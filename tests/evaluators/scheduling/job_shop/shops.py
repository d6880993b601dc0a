"""Small shops, free choices and an independent check of schedules for the job shop tests."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, permutations, product

import numpy as np
from hypothesis import strategies as st

from evaluators.scheduling.job_shop.dispatcher import startable
from evaluators.scheduling.job_shop.generate import Layout, draw_shop
from evaluators.scheduling.job_shop.schedule import Choose, Offer, Progress, Schedule
from evaluators.scheduling.job_shop.shop import Rows, Shop, make_shop


def a_shop(jobs: int = 6, machines: int = 4, seed: int = 0) -> Shop:
    return draw_shop(Layout.TAILLARD, jobs, machines, np.random.default_rng(seed))


def shop_of(routes: list[list[int]], durations: list[list[int]]) -> Shop:
    return make_shop(np.array(routes), np.array(durations))


@st.composite
def shops(draw: st.DrawFn, most_jobs: int = 6, most_machines: int = 5) -> Shop:
    jobs, machines = draw(st.integers(1, most_jobs)), draw(st.integers(1, most_machines))
    routes = [draw(st.permutations(range(machines))) for _ in range(jobs)]
    durations = [draw(st.lists(st.integers(1, 9), min_size=machines, max_size=machines)) for _ in range(jobs)]
    return shop_of(routes, durations)


def by_chance(seed: int, delay: float = 1.0, patience: float = 0.0) -> Choose:
    """Any job that may be taken; now and then none, where that is allowed."""
    rng = np.random.default_rng(seed)

    def choose(offer: Offer, progress: Progress) -> int | None:
        if offer.may_wait and rng.random() < patience:
            return None
        places = startable(offer, delay)
        return places[rng.integers(len(places))]

    return choose


def shortest(offer: Offer, progress: Progress) -> int:
    """Shortest processing time without delay."""
    return min(startable(offer, 0.0), key=lambda place: progress.next_duration(offer.jobs[place]))


def assert_feasible(shop: Shop, realised: Rows, schedule: Schedule, *, blocking: bool) -> None:
    """Every operation once, in its job's order, for its time; a machine never holds two jobs."""
    leaves = schedule.leaves(blocking=blocking)
    for starts, ends, work in zip(schedule.starts, schedule.ends, realised, strict=True):
        assert tuple(end - start for start, end in zip(starts, ends, strict=True)) == work
        assert starts[0] >= 0
        assert all(end <= start for end, start in zip(ends[:-1], starts[1:], strict=True))
    for machine in range(shop.num_machines):
        stays = sorted(
            (schedule.starts[job][op], leaves[job][op])
            for job in range(shop.num_jobs)
            for op in range(shop.num_machines)
            if shop.routes[job][op] == machine
        )
        assert len(stays) == shop.num_jobs
        assert all(one[1] <= other[0] for one, other in pairwise(stays))


def optimum(shop: Shop) -> int:
    """The least makespan over all orders of jobs on all machines: for tiny shops, and without any engine of ours."""
    makespans = (_makespan(shop, orders) for orders in _all_orders(shop))
    return min(makespan for makespan in makespans if makespan is not None)


def _all_orders(shop: Shop) -> Iterator[tuple[tuple[int, ...], ...]]:
    return product(permutations(range(shop.num_jobs)), repeat=shop.num_machines)


def _makespan(shop: Shop, orders: tuple[tuple[int, ...], ...]) -> int | None:
    """Of the schedule with these orders, each operation as early as possible; None if they wait for each other."""
    next_op, job_free = [0] * shop.num_jobs, [0] * shop.num_jobs
    turn, machine_free = [0] * shop.num_machines, [0] * shop.num_machines
    left, moved = shop.num_jobs * shop.num_machines, True
    while moved:
        moved = False
        for machine, order in enumerate(orders):
            job = order[turn[machine]] if turn[machine] < len(order) else None
            if job is None or next_op[job] == shop.num_machines or shop.routes[job][next_op[job]] != machine:
                continue
            end = max(job_free[job], machine_free[machine]) + shop.durations[job][next_op[job]]
            job_free[job] = machine_free[machine] = end
            next_op[job] += 1
            turn[machine] += 1
            left, moved = left - 1, True
    return None if left else max(job_free)
