from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.tier_cache.bound import compute_us, time_bound_us
from evaluators.placement.tier_cache.clairvoyant import clairvoyant_us
from evaluators.placement.tier_cache.engine import least_recently_used, run
from evaluators.placement.tier_cache.system import Ints, System
from tests.evaluators.placement.tier_cache.optimum import least_time_us
from tests.evaluators.placement.tier_cache.traces import a_system, holding, objects, random_events, thrown

SPEEDS = st.sampled_from([(10, 3, 2), (4, 3, 2), (7, 1, 1), (2, 5, 3)])


def tiny(seed: int, speed: tuple[int, int, int], events: int) -> tuple[System, list[Ints], np.ndarray]:
    rng = np.random.default_rng(seed)
    layers = int(rng.integers(1, 3))
    load_us, dense_us, expert_us = speed
    capacity = int(rng.integers(3, 5))
    system = a_system(layers, 4 - layers + 1, capacity, load_us=load_us, dense_us=dense_us, expert_us=expert_us)
    there = rng.permutation(system.objects)[: rng.integers(0, min(capacity, system.objects) + 1)]
    return system, random_events(rng, system, events), holding(system, *there.tolist())


@given(seed=st.integers(0, 10**6), speed=SPEEDS)
@settings(max_examples=60, deadline=None)
def test_the_bound_is_at_most_the_optimum_that_trying_everything_finds(seed: int, speed: tuple[int, int, int]) -> None:
    system, needed, resident_O = tiny(seed, speed, 6)
    optimum = least_time_us(system, needed, frozenset(np.flatnonzero(resident_O).tolist()))
    for starts in (0, 2, 6):
        assert time_bound_us(system, needed, resident_O, starts) <= optimum
    assert optimum <= clairvoyant_us(system, needed, resident_O)


def test_the_bound_is_near_the_optimum_of_tiny_traces() -> None:
    ratios = []
    for seed in range(60):
        system, needed, resident_O = tiny(seed, (7, 1, 1), 6)
        optimum = least_time_us(system, needed, frozenset(np.flatnonzero(resident_O).tolist()))
        ratios.append(optimum / time_bound_us(system, needed, resident_O, 6))
    assert min(ratios) >= 1.0
    assert np.mean([ratio == 1.0 for ratio in ratios]) > 0.4
    assert np.mean(ratios) < 1.1


@given(seed=st.integers(0, 10**6), speed=SPEEDS, starts=st.integers(0, 9))
@settings(max_examples=80, deadline=None)
def test_no_answers_beat_the_bound(seed: int, speed: tuple[int, int, int], starts: int) -> None:
    rng = np.random.default_rng(seed)
    load_us, dense_us, expert_us = speed
    system = a_system(
        int(rng.integers(1, 4)), 6, int(rng.integers(5, 14)), load_us=load_us, dense_us=dense_us, expert_us=expert_us
    )
    resident_O = holding(system, *rng.permutation(system.objects)[: rng.integers(0, system.capacity)].tolist())
    needed = random_events(rng, system, 60, most=4)
    bound = time_bound_us(system, needed, resident_O, starts)
    assert run(system, needed, resident_O, thrown(system, rng)).time_us >= bound
    assert run(system, needed, resident_O, least_recently_used(system, needed)).time_us >= bound
    assert clairvoyant_us(system, needed, resident_O) >= bound >= compute_us(system, needed)


def test_all_that_fits_costs_its_computing() -> None:
    system = a_system(2, 2, 5)
    needed = objects([0], [2, 3], [1], [2])
    assert time_bound_us(system, needed, holding(system, 0, 1, 2, 3)) == compute_us(system, needed) == 22


def test_a_burst_of_loads_is_not_hidden_by_the_idle_link_before_it() -> None:
    system = a_system(1, 8, 2, load_us=10, dense_us=10)
    quiet, burst = [[0]] * 20, [[1], [2], [3], [4], [5], [6]]
    needed, resident_O = objects(*quiet, *burst), holding(a_system(1, 8), 0)
    prefix = time_bound_us(system, needed, resident_O, 0)
    assert prefix == compute_us(system, needed)
    slow = a_system(1, 8, 2, load_us=30, dense_us=10)
    assert time_bound_us(slow, needed, resident_O, 0) == compute_us(slow, needed)
    assert time_bound_us(slow, needed, resident_O, 5) > compute_us(slow, needed) + 50


@pytest.mark.parametrize("seed", range(4))
def test_the_bound_does_not_know_experts_by_number(seed: int) -> None:
    rng = np.random.default_rng(seed)
    system = a_system(2, 6, 6)
    needed = random_events(rng, system, 40, most=3)
    resident_O = holding(system, *rng.permutation(12)[:6].tolist())
    renamed = np.concatenate([rng.permutation(6), 6 + rng.permutation(6)])
    moved_O = np.zeros_like(resident_O)
    moved_O[renamed] = resident_O
    assert time_bound_us(system, [np.sort(renamed[row]) for row in needed], moved_O) == time_bound_us(
        system, needed, resident_O
    )
