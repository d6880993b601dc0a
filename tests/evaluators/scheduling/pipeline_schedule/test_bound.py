from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.pipeline_schedule.bound import preemptive_makespan, step_bound_us
from evaluators.scheduling.pipeline_schedule.one_f_one_b import one_f_one_b
from evaluators.scheduling.pipeline_schedule.reading import read_order
from tests.evaluators.scheduling.pipeline_schedule.pipelines import (
    Enumeration,
    a_pipeline,
    random_order,
    random_pipeline,
)

TINY = [(seed, *size) for size in ((2, 2, 1), (2, 3, 1), (3, 2, 1), (2, 2, 2)) for seed in range(5)]


def test_no_order_of_a_tiny_pipeline_beats_the_bound_and_the_best_is_near_it() -> None:
    ratios = []
    for seed, devices, micro_batches, chunks in TINY:
        pipeline = random_pipeline(seed, devices, micro_batches, chunks)
        optimum, bound = Enumeration(pipeline).optimum(), step_bound_us(pipeline)
        assert bound <= optimum <= read_order(pipeline, one_f_one_b(pipeline)).timing.step_us
        ratios.append(optimum / bound)
    assert np.mean(ratios) < 1.02
    assert max(ratios) < 1.11
    assert np.mean(np.array(ratios) == 1.0) > 0.6


@given(seed=st.integers(0, 10**6), devices=st.integers(1, 5), micro_batches=st.integers(1, 6), chunks=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_no_random_order_beats_the_bound(seed: int, devices: int, micro_batches: int, chunks: int) -> None:
    pipeline = random_pipeline(seed, devices, micro_batches, chunks)
    bound, rng = step_bound_us(pipeline), np.random.default_rng(seed)
    for order in (one_f_one_b(pipeline), random_order(pipeline, rng), random_order(pipeline, rng)):
        assert read_order(pipeline, order).timing.step_us >= bound


def test_equal_stages_need_the_way_in_and_all_the_work() -> None:
    """What ZB-H1 reaches (Qi et al. 2024): as many thirds as devices before the last one are idle."""
    assert step_bound_us(a_pipeline(8, 16)) == 7 + 3 * 16
    assert step_bound_us(a_pipeline(8, 16, link=1)) == 7 * 2 + 3 * 16


def test_with_slow_links_the_first_device_waits_for_what_comes_back() -> None:
    """It has done all forwards by then, and all the rest is still to come."""
    assert step_bound_us(a_pipeline(8, 16, link=2)) == (8 + 7 + 14 * 2) + 2 * 16


def test_one_micro_batch_at_a_time_cannot_overlap() -> None:
    pipeline = a_pipeline(4, 9, capacity=2)
    assert step_bound_us(pipeline) == read_order(pipeline, one_f_one_b(pipeline)).timing.step_us


def test_the_largest_numbers_of_a_profile_do_not_overflow() -> None:
    small, large = a_pipeline(8, 64, capacity=6), a_pipeline(8, 64, times=(10**9,) * 3, activation=2 * 10**9,
                                                             kept=10**9, capacity=6 * 10**9)  # fmt: skip
    assert step_bound_us(large) == 10**9 * step_bound_us(small)


def test_less_memory_never_lowers_the_bound() -> None:
    bounds = [step_bound_us(a_pipeline(6, 12, chunks=2, capacity=capacity)) for capacity in (100, 24, 12, 8, 4)]
    assert bounds == sorted(bounds)
    assert bounds[0] < bounds[-1]


@pytest.mark.parametrize(
    ("jobs", "makespan"),
    [
        ([(0, 3, 0)], 3),
        ([(0, 2, 5), (0, 2, 0)], 7),
        ([(0, 4, 0), (1, 1, 9)], 11),  # the second interrupts the first
        ([(5, 1, 1), (0, 2, 0)], 7),
        ([(0, 0, 4), (3, 0, 0)], 4),
    ],
)
def test_a_machine_with_heads_and_tails(jobs: list[tuple[int, int, int]], makespan: int) -> None:
    heads, times, tails = np.array(jobs).T
    assert preemptive_makespan(heads, times, tails) == makespan
