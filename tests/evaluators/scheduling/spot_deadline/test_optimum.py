"""The clairvoyant optimum: no plan of tiny jobs is cheaper, no random plan of larger ones, and it is attained."""

from __future__ import annotations

import numpy as np
import pytest

from evaluators.scheduling.spot_deadline.job import Job, Mode
from evaluators.scheduling.spot_deadline.optimum import optimal_plan, optimal_usd
from evaluators.scheduling.spot_deadline.scenario import build_scenario
from tests.evaluators.scheduling.spot_deadline.scenes import (
    START,
    Bools,
    a_job,
    a_scenario,
    cheapest_by_enumeration,
    one_region,
    random_job,
    some_availability,
    ticks_of,
)

ANYTHING = (
    START
    + """
        draw = hash((self.config["seed"], tick, SALT)) % 1000 / 1000
        if any(available) and draw < SPOT:
            return 1, max(range(len(available)), key=lambda r: (available[r], r == region or draw < SPOT / 20))
        return (2 if draw > 0.9 else 0), region
"""
)


@pytest.mark.parametrize(("regions", "most_ticks", "cases"), [(1, 7, 120), (2, 5, 40), (3, 4, 15)])
def test_no_plan_of_a_tiny_job_is_cheaper(regions: int, most_ticks: int, cases: int) -> None:
    rng = np.random.default_rng(regions)
    for _ in range(cases):
        job = random_job(rng, regions=regions, most_ticks=most_ticks)
        available_TR = rng.random((job.deadline, regions)) < 0.6
        assert optimal_usd(job, available_TR) == pytest.approx(cheapest_by_enumeration(job, available_TR), abs=1e-12)


def played_usd(job: Job, available_TR: Bools, source: str) -> float:
    scenario = build_scenario("scene-0", "scene", job, available_TR, candidate_seed=1)
    return sum(tick.usd for tick in ticks_of(scenario, source))


def test_the_plan_costs_what_the_table_says_and_needs_no_guard() -> None:
    for seed in range(6):
        job = a_job(overhead=seed % 4, move_usd=0.1 * seed)
        available_TR = some_availability(job, seed, share=0.4)
        plan = optimal_plan(job, available_TR)
        follow = START + f"        return {[(int(c.mode), c.region) for c in plan]}[tick]"
        scenario = build_scenario("scene-0", "scene", job, available_TR, candidate_seed=1)
        ticks = ticks_of(scenario, follow)
        assert [tick.choice for tick in ticks] == list(plan)
        assert sum(tick.usd for tick in ticks) == pytest.approx(optimal_usd(job, available_TR))
        assert scenario.result(ticks).score == pytest.approx(1.0)


def test_no_random_program_beats_it() -> None:
    for seed in range(40):
        scenario = a_scenario(seed=seed, share=0.2 + 0.02 * seed)
        source = f"SPOT, SALT = {0.1 + 0.02 * seed}, {seed}\n" + ANYTHING
        assert sum(tick.usd for tick in ticks_of(scenario, source)) >= scenario.optimum_usd - 1e-9


def test_without_spot_it_is_on_demand_in_the_cheapest_way() -> None:
    job = one_region()
    nothing = np.zeros((job.deadline, 1), dtype=bool)
    assert optimal_usd(job, nothing) == pytest.approx(job.on_demand_only_usd)
    assert {choice.mode for choice in optimal_plan(job, nothing)} <= {Mode.IDLE, Mode.ON_DEMAND}


def test_with_spot_throughout_it_never_leaves_it() -> None:
    job = one_region()
    always = np.ones((job.deadline, 1), dtype=bool)
    assert optimal_usd(job, always) == pytest.approx((job.work + job.overhead) * 0.3)


def test_more_time_and_more_spot_never_cost_more() -> None:
    for seed in range(10):
        job = one_region(deadline=80)
        available_TR = some_availability(job, seed)
        cheaper = optimal_usd(job, available_TR)
        assert cheaper <= optimal_usd(one_region(deadline=60), available_TR[:60]) + 1e-12
        assert cheaper <= optimal_usd(job, available_TR & some_availability(job, seed + 100)) + 1e-12
