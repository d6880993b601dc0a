"""Metrics of balance against values worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from evaluators.balancing.moe_loss import balance
from evaluators.balancing.moe_loss.balancer import device_of_expert
from evaluators.balancing.moe_loss.time_model import TimeModel

Metric = Callable[[balance.Counts], balance.Values]
EVEN, ONE, SKEWED = np.array([4, 4, 4, 4]), np.array([16, 0, 0, 0]), np.array([8, 4, 3, 1])


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (balance.max_violation, (0.0, 3.0, 1.0)),
        (balance.variation, (0.0, math.sqrt(3.0), math.sqrt(6.5) / 4)),
        (balance.gini, (0.0, 0.75, (-3 * 1 - 3 + 4 + 3 * 8) / 64)),
        (balance.dead_share, (0.0, 0.75, 0.0)),
        (lambda counts: balance.dropped_share(counts, 1.0), (0.0, 0.75, 0.25)),
        (lambda counts: balance.dropped_share(counts, 1.25), (0.0, 11 / 16, 3 / 16)),
    ],
)
def test_balance_of_known_loads(metric: Metric, expected: tuple[float, ...]) -> None:
    assert metric(np.stack([EVEN, ONE, SKEWED])).tolist() == pytest.approx(expected)


def test_devices_hold_equally_many_neighbours() -> None:
    for experts in (4, 16, 24, 32, 64, 17):
        sizes = np.bincount(device_of_expert(experts))
        assert len(set(sizes.tolist())) == 1
        assert len(sizes) <= 16
    assert len(np.bincount(device_of_expert(32))) == 16


def test_a_device_evens_out_its_experts() -> None:
    device = np.array([0, 0, 1, 1])
    assert balance.device_load_ratio(np.array([7, 1, 4, 4]), device) == pytest.approx(1.0)
    assert balance.device_load_ratio(ONE, device) == pytest.approx(2.0)


def test_step_time_is_that_of_the_busiest_device() -> None:
    even, one_device, device = np.ones((1, 6), np.int64), np.array([[2, 4, 0, 0, 0, 0]]), np.array([0, 0, 1, 1, 2, 2])
    assert TimeModel(expert_share=0.5).relative_step_time(even, device) == 1.0
    assert TimeModel(expert_share=0.5).relative_step_time(one_device, device) == 2.0
    assert TimeModel(expert_share=0.0).relative_step_time(one_device, device) == 1.0


def test_information_is_one_where_the_expert_tells_the_class_and_zero_where_it_does_not() -> None:
    assert balance.information_share(np.diag([5, 7, 9])) == pytest.approx(1.0)
    assert balance.information_share(np.outer([1, 2], [3, 4, 5])) == pytest.approx(0.0, abs=1e-12)
    assert balance.information_share(np.array([[3, 4], [0, 0]])) == 0.0


def test_joint_counts_count_every_assignment() -> None:
    joint = balance.joint_counts(np.array([0, 1, 1]), np.array([[0, 2], [2, 1], [2, 0]]), 2, 3)
    assert joint.tolist() == [[1, 0, 1], [1, 1, 2]]
