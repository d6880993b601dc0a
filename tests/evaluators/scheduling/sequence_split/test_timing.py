from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.sequence_split.first_fit import first_fit, micro_batches_of
from evaluators.scheduling.sequence_split.machine import Sync, shard_tokens
from evaluators.scheduling.sequence_split.timing import time_plan
from tests.evaluators.scheduling.sequence_split.batches import (
    batch_of,
    fits,
    machine,
    plan_of,
    random_batch,
    random_plan,
    shard_by_hand,
    step_by_hand,
)


@given(seed=st.integers(0, 10**6), size=st.integers(1, 15))
@settings(max_examples=60, deadline=None)
def test_the_engine_times_a_step_as_the_rule_told_sequence_by_sequence(seed: int, size: int) -> None:
    batch = random_batch(seed, size)
    for plan in (first_fit(batch), random_plan(batch, np.random.default_rng(seed))):
        if plan is not None:
            assert time_plan(batch, plan).step_us == pytest.approx(step_by_hand(batch, plan))


def test_a_whole_sequence_takes_linear_and_quadratic_time() -> None:
    batch = batch_of(100)
    assert time_plan(batch, plan_of(2, (0, [0]))).step_us == pytest.approx(100 + 100)


def test_a_cut_sequence_takes_a_share_and_the_ring_of_its_slowest_link() -> None:
    on = machine(4, 2, hop_us=3.0)
    batch = batch_of(100, on=on)
    inside, across = (time_plan(batch, plan_of(4, (0, ranks))).step_us for ranks in ([0, 1], [1, 2]))
    assert inside == pytest.approx(50 + 50 + 3 + 0.1 * 50)
    assert across == pytest.approx(50 + 50 + 3 + 1.0 * 50)
    assert across == pytest.approx(shard_by_hand(on, 100, [0, 3]))


def test_an_overlapped_ring_costs_only_what_attention_does_not_hide() -> None:
    plan = plan_of(4, (0, [0, 1, 2, 3]))
    steps = [time_plan(batch_of(200, on=machine(4, 2, overlap=overlap)), plan).step_us for overlap in (False, True)]
    assert steps == [pytest.approx(50 + 100 + 150), pytest.approx(50 + 150)]


def test_the_ranks_of_a_sequence_wait_for_one_another_and_the_widest_goes_first() -> None:
    batch = batch_of(10, 300, 100, on=machine(3, 3))
    timing = time_plan(batch, plan_of(3, (0, [0, 1, 2]), (0, [0, 1]), (0, [1, 2])))
    first, second, third = (
        shard_by_hand(batch.machine, length, range(width)) for length, width in ((10, 3), (300, 2), (100, 2))
    )
    assert timing.step_us == pytest.approx(first + second + third)  # rank 2 waits for rank 1
    assert timing.busy_G == pytest.approx([first + second, first + second + third, first + third])


def test_all_wait_after_every_micro_batch_or_only_at_the_end() -> None:
    plan = plan_of(2, (0, [0]), (0, [1]), (1, [0]), (1, [1]))
    steps = [
        time_plan(batch_of(100, 50, 50, 100, on=machine(sync=sync, overhead_us=7.0), micro_batches=2), plan).step_us
        for sync in (Sync.STEP, Sync.GRADIENT)
    ]
    assert steps == [pytest.approx(400 + 14), pytest.approx(200 + 75 + 14)]


def test_micro_batches_that_stay_empty_cost_nothing() -> None:
    batch = batch_of(100, on=machine(overhead_us=7.0), micro_batches=4)
    timing = time_plan(batch, plan_of(2, (2, [0])))
    assert timing.step_us == pytest.approx(207)
    assert timing.used == 1


@given(seed=st.integers(0, 10**6), size=st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_first_fit_cuts_by_need_and_fits(seed: int, size: int) -> None:
    batch = random_batch(seed, size)
    plan = first_fit(batch)
    assert fits(batch, plan)
    assert micro_batches_of(plan) <= batch.micro_batches
    assert (plan.widths_N == batch.needed_N).all()


def test_first_fit_goes_to_the_first_place_with_room() -> None:
    batch = batch_of(60, 60, 60, 30, 150, cap=100, micro_batches=2)
    plan = first_fit(batch)
    assert plan.micro_batch_N.tolist() == [0, 0, 1, 0, 2]
    assert plan.ranks_NG.tolist() == [[1, 0], [0, 1], [1, 0], [1, 0], [1, 1]]
    assert micro_batches_of(plan) == 3


def test_shards_are_rounded_up_to_whole_tokens() -> None:
    assert shard_tokens(np.array([7, 8, 9]), np.array([4, 4, 4])).tolist() == [2, 2, 3]
