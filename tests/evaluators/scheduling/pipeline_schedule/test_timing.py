from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.pipeline_schedule.one_f_one_b import one_f_one_b
from evaluators.scheduling.pipeline_schedule.pipeline import Pipeline
from evaluators.scheduling.pipeline_schedule.placements import Placement, device_of_stages
from evaluators.scheduling.pipeline_schedule.reading import read_order
from evaluators.scheduling.pipeline_schedule.timing import held_mb, time_orders
from tests.evaluators.scheduling.pipeline_schedule.pipelines import (
    a_pipeline,
    played_by_the_page,
    random_order,
    random_pipeline,
)


def step(pipeline: Pipeline, order: object) -> int:
    return read_order(pipeline, np.asarray(order)).timing.step_us


@given(seed=st.integers(0, 10**6), devices=st.integers(1, 4), micro_batches=st.integers(1, 4), chunks=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_orders_run_as_the_page_says(seed: int, devices: int, micro_batches: int, chunks: int) -> None:
    pipeline = random_pipeline(seed, devices, micro_batches, chunks)
    rng = np.random.default_rng(seed)
    for order in (random_order(pipeline, rng), one_f_one_b(pipeline)):
        played = read_order(pipeline, order)
        assert (played.timing.step_us, played.peak_mb_D.tolist()) == played_by_the_page(pipeline, order.tolist())


def test_one_micro_batch_takes_the_way_in_and_out() -> None:
    pipeline = a_pipeline(3, 1, times=(2, 3, 5), link=7)
    assert step(pipeline, one_f_one_b(pipeline)) == 3 * 2 + 3 * 3 + 4 * 7 + 5


def test_how_devices_stand_to_one_another_in_the_answer_counts_for_nothing() -> None:
    pipeline = random_pipeline(4, 3, 4)
    order = one_f_one_b(pipeline)
    by_device = order[np.argsort(pipeline.devices_of(order), kind="stable")]
    assert (by_device != order).any()
    assert step(pipeline, by_device) == step(pipeline, order)


def test_a_later_start_is_never_needed() -> None:
    pipeline = random_pipeline(8, 3, 4)
    played = read_order(pipeline, one_f_one_b(pipeline))
    starts, ends = played.timing.starts_us_N, played.timing.ends_us_N
    assert starts.min() == 0
    for order in played.orders:
        assert (starts[order][1:] >= ends[order][:-1]).all()


@pytest.mark.parametrize(("devices", "micro_batches"), [(4, 8), (8, 16), (5, 5)])
def test_the_weak_baseline_is_the_published_step_where_the_backward_pass_is_one(
    devices: int, micro_batches: int
) -> None:
    """Narayanan et al. 2021: (m + p - 1) times forward and backward."""
    pipeline = a_pipeline(devices, micro_batches, times=(1, 2, 0), kept=0)
    assert step(pipeline, one_f_one_b(pipeline)) == 3 * (micro_batches + devices - 1)


@pytest.mark.parametrize(("capacity", "under_way"), [(8, 4), (6, 3), (5, 2), (2, 1)])
def test_the_weak_baseline_holds_no_more_than_fits(capacity: int, under_way: int) -> None:
    pipeline = a_pipeline(4, 9, capacity=capacity)
    played = read_order(pipeline, one_f_one_b(pipeline))
    assert played.peak_mb_D[0] == 2 * under_way
    if under_way == 1:
        assert played.timing.step_us == 9 * (
            4 + 4 + 1
        )  # the first stage's weight gradient comes before the next forward


def test_memory_is_freed_in_two_steps() -> None:
    pipeline = a_pipeline(1, 2, activation=5, kept=2)
    assert held_mb(pipeline, np.array([0, 2, 1, 4, 3, 5])).tolist() == [5, 5, 7, 7, 5, 2]
    assert time_orders(pipeline, [np.array([0, 2, 1, 4, 3, 5])]).step_us == 6


def test_stages_go_over_devices_in_loops_or_waves() -> None:
    assert device_of_stages(Placement.LOOP, 3, 2).tolist() == [0, 1, 2, 0, 1, 2]
    assert device_of_stages(Placement.WAVE, 3, 3).tolist() == [0, 1, 2, 2, 1, 0, 0, 1, 2]
    assert a_pipeline(3, chunks=2, placement=Placement.WAVE, link=4).link_us_S.tolist() == [4, 4, 0, 4, 4, 0]
