from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.expert_replication.balance_bound import even_balance_bound, least_peak
from evaluators.placement.expert_replication.dispatch import Dispatch
from evaluators.placement.expert_replication.scenario import build_scenario
from evaluators.placement.expert_replication.serving import layer_times
from evaluators.placement.expert_replication.system import System
from tests.evaluators.placement.scenes import STATIC, a_system, a_workload, draw_loads, draw_plan, played, systems
from tests.seeds.toy_optimum import least_peak as optimum


@given(system=systems(), seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_no_even_plan_balances_better(system: System, seed: int) -> None:
    rng = np.random.default_rng(seed)
    loads = draw_loads(system, rng)
    balance = layer_times(draw_plan(system, Dispatch.EVEN, rng), loads, system).gpu_balance
    assert balance <= even_balance_bound(loads.sum(axis=0), system) * (1 + 1e-9)


@pytest.mark.parametrize(("experts", "gpus", "slots"), [(6, 4, 2), (8, 4, 2), (4, 4, 1), (5, 3, 2)])
def test_the_bound_is_below_the_optimum_and_near_it(experts: int, gpus: int, slots: int) -> None:
    loads = np.random.default_rng(experts).lognormal(0.0, 1.0, experts)
    bound = float(least_peak(loads[None], gpus * slots, gpus)[0])
    best = optimum(loads, gpus, slots)
    assert 0.75 * best <= bound <= best * (1 + 1e-9)


def test_one_hot_expert_is_shared_by_as_many_gpus_as_have_room() -> None:
    assert least_peak(np.array([[8.0, 0.0, 0.0, 0.0]]), 6, 2).tolist() == [4.0]
    assert least_peak(np.array([[8.0, 0.0, 0.0, 0.0]]), 4, 4).tolist() == [8.0]


def test_it_is_a_metric_where_the_oracle_is() -> None:
    scenario = build_scenario("scene", "fast", a_system(), a_workload(a_system()), candidate_seed=1, oracle=True)
    metrics = played(scenario, STATIC).metrics
    assert metrics["gpu_balance"] <= metrics["even_balance_bound"] <= 1.0
