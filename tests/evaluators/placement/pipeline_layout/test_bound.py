"""No layout is below the bound; small cases are enumerated."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.pipeline_layout.bound import step_bound
from evaluators.placement.pipeline_layout.job import Job
from evaluators.placement.pipeline_layout.network import Network, by_site
from evaluators.placement.pipeline_layout.plan import Plan, in_order, memory_fault
from evaluators.placement.pipeline_layout.step_time import step_time
from tests.evaluators.placement.pipeline_layout.networks import a_job, random_network, random_plan


def compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways to write `total` as positive parts."""
    for cuts in itertools.combinations(range(1, total), parts - 1):
        yield tuple(b - a for a, b in itertools.pairwise((0, *cuts, total)))


def all_plans(job: Job, network: Network) -> Iterator[Plan]:
    """Every layout that fits."""
    devices = range(network.num_devices)
    for stages in range(1, min(job.layers, network.num_devices) + 1):
        for replicas in range(1, min(job.micro_batches, network.num_devices // stages) + 1):
            for chosen in itertools.permutations(devices, stages * replicas):
                for layers in compositions(job.layers, stages):
                    for batches in compositions(job.micro_batches, replicas):
                        plan = Plan(
                            device_KP=np.array(chosen).reshape(replicas, stages),
                            layers_P=np.array(layers),
                            batches_K=np.array(batches),
                        )
                        if not memory_fault(plan, job, network):
                            yield plan


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 2**32 - 1), devices=st.integers(2, 10), layers=st.integers(2, 9), batches=st.integers(2, 20))
def test_no_random_layout_is_below_the_bound(seed: int, devices: int, layers: int, batches: int) -> None:
    rng = np.random.default_rng(seed)
    job, network = a_job(layers, batches), random_network(rng, devices, (10.0, 40.0))
    bound = step_bound(job, network)
    for _ in range(60):
        plan = random_plan(rng, job, network)
        assert plan is None or step_time(plan, job, network).total >= bound


@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_all_layouts_is_above_the_bound_and_not_by_much(seed: int) -> None:
    rng = np.random.default_rng(seed)
    job, network = a_job(layers=4, micro_batches=4), random_network(rng, 4, (2.0, 8.0))
    best = min(step_time(plan, job, network).total for plan in all_plans(job, network))
    bound = step_bound(job, network)
    assert bound <= best <= 2.5 * bound


def test_equal_devices_on_free_links_reach_the_bound() -> None:
    devices, job = 8, a_job(layers=16, micro_batches=32)
    free = np.full((1, 1), 1e-9), np.full((1, 1), 1e9)
    network = by_site(np.zeros(devices, dtype=np.int64), np.full(devices, 50.0), np.full(devices, 80.0), *free)
    plan = in_order(job, network)
    assert plan is not None
    assert step_time(plan, job, network).total == pytest.approx(step_bound(job, network), rel=1e-5)


def test_what_fits_nowhere_has_no_bound() -> None:
    with pytest.raises(ValueError, match="no layout fits"):
        step_bound(a_job(layers=60), random_network(np.random.default_rng(0), 3, (0.5, 1.0)))
