"""No schedule is below the bound: random valid ones, every one of tiny cases; and the rules told a second time."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.cluster_balance.bound import fractional_flow, lower_bound
from evaluators.scheduling.cluster_balance.engine import Decide, Seen, run
from evaluators.scheduling.cluster_balance.regimes import HOLDOUT, SEARCH, draw
from evaluators.scheduling.cluster_balance.workload import Bools, Fleet, Ints, Jobs, Workload

REGIMES = {**SEARCH, **HOLDOUT}


def random_policy(workload: Workload, seed: int, stay: float) -> Decide:
    """Places, moves and switches at random, always validly."""
    rng = np.random.default_rng(seed)
    capacity_M2 = workload.fleet.capacity_M2

    def decide(seen: Seen) -> tuple[Ints, Bools]:
        free_M2, place = capacity_M2.copy(), np.full(seen.job_J.size, -1)
        for row in rng.permutation(seen.job_J.size):
            demand = workload.jobs.demand_N2[seen.job_J[row]]
            fits = np.flatnonzero((seen.boot_M == 0) & (free_M2 >= demand).all(axis=1))
            here = seen.machine_J[row]
            if fits.size and rng.random() < 0.95:
                place[row] = here if here in fits and rng.random() < stay else rng.choice(fits)
                free_M2[place[row]] -= demand
        on = rng.random(seen.boot_M.size) < 0.7
        on[place[place >= 0]] = True
        return place, on | (seen.boot_M >= 0) & (rng.random(seen.boot_M.size) < 0.9)

    return decide


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(REGIMES)), st.sampled_from([0.85, 1.0]))
def test_no_random_schedule_is_below_the_bound(seed: int, regime: str, stay: float) -> None:
    workload = draw(REGIMES[regime], 4, 15, np.random.default_rng(seed))
    assert run(workload, random_policy(workload, seed, stay)).cost >= lower_bound(workload) * (1 - 1e-9)


def tiny(seed: int) -> Workload:
    """Two machines, three jobs."""
    rng = np.random.default_rng(seed)
    fleet = Fleet(
        capacity_M2=np.array([[2.0, 4.0], [1.0, 4.0]]),
        speed_M=rng.uniform(0.7, 1.5, 2),
        posted_M=np.ones(2),
        price_M=rng.uniform(0.1, 1.0, 2),
        slow_TM=np.ones((1, 2)),
        boot=1,
        move=int(rng.integers(0, 2)),
    )
    jobs = Jobs(
        arrival_N=np.sort(rng.integers(0, 2, 3)) * np.array([0, 1, 1]),
        size_N=rng.uniform(0.3, 1.6, 3),
        weight_N=rng.uniform(0.2, 2.0, 3),
        demand_N2=np.stack([rng.choice([0.5, 1.0], 3), rng.choice([1.0, 3.0], 3)], axis=1),
        group_N=np.zeros(3, dtype=np.int64),
    )
    return Workload(fleet=fleet, jobs=jobs)


def cost_by_the_page(workload: Workload, places: list[dict[int, int]], ons: list[set[int]]) -> float:
    """The page's rules, told once more, from machines of jobs and machines on by tick; inf if jobs are left."""
    jobs, fleet = workload.jobs, workload.fleet
    left, last, cost, pending = jobs.size_N.tolist(), dict[int, int](), 0.0, dict[int, int]()
    begun = set[int]()
    for tick, (place, on) in enumerate(zip(places, ons, strict=True)):
        if all(work <= 0 for work in left):
            return cost
        cost += sum(float(fleet.price_M[machine]) for machine in on)
        for job, machine in place.items():
            if left[job] <= 0 or tick < jobs.arrival_N[job]:
                continue
            if job in begun and last.get(job) != machine:
                pending[job] = fleet.move
            begun.add(job)
            if pending.get(job, 0):
                pending[job] -= 1
                continue
            speed = float(fleet.speed_M[machine])
            if left[job] <= speed:
                cost += float(jobs.weight_N[job]) * (tick + left[job] / speed - int(jobs.arrival_N[job]))
            left[job] -= speed
        last = dict(place)
    return cost if all(work <= 0 for work in left) else math.inf


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_below_the_best_of_all_plans_of_tiny_cases(seed: int) -> None:
    """All assignments in each of three ticks, with just the machines in use on; later ticks only add cost."""
    workload = tiny(seed)
    options = []
    for chosen in itertools.product((-1, 0, 1), repeat=3):
        demand = workload.jobs.demand_N2
        used = np.array([[sum(demand[j, r] for j in range(3) if chosen[j] == m) for r in (0, 1)] for m in (0, 1)])
        if (used <= workload.fleet.capacity_M2).all():
            options.append({job: machine for job, machine in enumerate(chosen) if machine >= 0})
    best = min(
        cost_by_the_page(workload, list(plan), [set(place.values()) for place in plan])
        for plan in itertools.product(options, repeat=3)
    )
    assert lower_bound(workload) <= best * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_the_engine_costs_what_the_page_says(seed: int) -> None:
    workload = tiny(seed)
    policy, places, ons = random_policy(workload, seed, 0.7), list[dict[int, int]](), list[set[int]]()

    def noted(seen: Seen) -> tuple[Ints, Bools]:
        place, on = policy(seen)
        places.append({int(j): int(m) for j, m in zip(seen.job_J, place, strict=True) if m >= 0})
        ons.append({int(machine) for machine in np.flatnonzero(on)})
        return place, on

    cost = run(workload, noted).cost
    assert cost == pytest.approx(cost_by_the_page(workload, places, ons))


def test_fractional_flow_of_one_and_of_two() -> None:
    one = fractional_flow(np.zeros(1), np.array([4.0]), np.array([3.0]), 2.0)
    assert one == pytest.approx(3.0 * 1.0)  # half of two ticks
    two = fractional_flow(np.array([0.0, 1.0]), np.array([2.0, 1.0]), np.array([1.0, 9.0]), 1.0)
    assert two == pytest.approx(9.0 * 0.5 + 0.5 * 0.5 + 0.5 * 2.5)
