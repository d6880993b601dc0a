from __future__ import annotations

import numpy as np
import pytest

from evaluators.placement.model_packing.placement import fault, first_fit
from tests.evaluators.placement.model_packing.clusters import a_cluster

HOMES = np.array([0, 0, 1, 1, 2, -1])


@pytest.mark.parametrize(
    ("gpus", "sentence"),
    [
        ([0, 0, 1, 1, 2, 3], "part 5: expected a GPU from 0 to 2, found 3"),
        ([0, 0, -1, 1, 2, 2], "part 2: expected a GPU from 0 to 2, found -1"),
        ([2, 2, 1, 1, 0, 0], "GPU 2: expected at most 40 GB of weights, found 50 GB"),
        ([0, 1, 1, 0, 2, 2], "model 1: expected each of its parts on a GPU of its own, found 2 of them on GPU 1"),
    ],
)
def test_what_is_no_placement_is_said(gpus: list[int], sentence: str) -> None:
    assert fault(a_cluster(), np.array(gpus)) == sentence


def test_a_placement_has_no_fault_not_even_a_gpu_that_is_full() -> None:
    assert fault(a_cluster(), np.array([0, 0, 1, 1, 2, 2])) == ""
    full = a_cluster(memory_G=np.array([50.0, 80.0, 40.0]), size_N=np.array([29.9, 20.1, 20.1, 25.0, 10.0, 15.0]))
    assert fault(full, np.array([0, 0, 1, 1, 2, 2])) == ""


def test_no_more_than_the_budget_leaves_home_and_newcomers_are_free() -> None:
    cluster = a_cluster(home_N=HOMES, budget_gb=30.0)
    assert fault(cluster, np.array([1, 0, 1, 1, 2, 0])) == ""
    sentence = "expected at most 30 GB (budget_gb) to leave their homes, found 40 GB"
    assert fault(cluster, np.array([1, 0, 1, 1, 0, 0])) == sentence


def test_first_fit_keeps_homes_and_takes_the_first_gpu_by_falling_size() -> None:
    assert first_fit(a_cluster()).tolist() == [0, 0, 1, 0, 1, 1]  # type: ignore[union-attr]
    assert first_fit(a_cluster(home_N=HOMES)).tolist() == [0, 0, 1, 1, 2, 0]  # type: ignore[union-attr]


def test_first_fit_says_where_a_part_finds_no_gpu() -> None:
    assert first_fit(a_cluster(memory_G=np.array([40.0, 40.0, 24.0]))) is None
    assert first_fit(a_cluster(model_N=np.array([0, 1, 1, 1, 1, 2]))) is None
