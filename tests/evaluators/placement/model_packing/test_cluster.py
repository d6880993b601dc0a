from __future__ import annotations

import numpy as np
import pytest

from evaluators.placement.model_packing.cluster import FULL_PRESSURE, pressure
from tests.evaluators.placement.model_packing.clusters import a_cluster

GPU_N = np.array([0, 0, 1, 1, 2, 2])


def test_room_is_free_memory_over_demand_on_the_tightest_gpu() -> None:
    cluster = a_cluster()
    assert cluster.demand_N == pytest.approx([1.0, 0.5, 0.5, 0.4, 1.0, 0.2])
    assert cluster.free_gb(GPU_N) == pytest.approx([30.0, 35.0, 15.0])
    assert cluster.rooms(GPU_N) == pytest.approx([30 / 1.5, 35 / 0.9, 15 / 1.2])
    assert cluster.room(GPU_N) == pytest.approx(12.5)
    assert pressure(12.5) == pytest.approx(0.08)


def test_a_gpu_without_models_is_never_the_tightest_and_a_full_one_has_no_room() -> None:
    cluster = a_cluster(memory_G=np.array([150.0, 80.0, 120.0]))
    assert cluster.room(np.array([0, 0, 2, 0, 0, 0])) == pytest.approx(50 / 3.1)
    full = a_cluster(memory_G=np.array([50.0, 80.0, 40.0]))
    assert full.room(GPU_N) == 0.0
    assert pressure(0.0) == FULL_PRESSURE


def test_only_what_leaves_a_home_counts_as_moved() -> None:
    cluster = a_cluster(home_N=np.array([0, 0, -1, 2, 2, -1]))
    assert cluster.moved_gb(GPU_N) == 25.0
