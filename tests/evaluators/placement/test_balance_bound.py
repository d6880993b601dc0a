from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.expert_replication.balance_bound import (
    _ways,
    even_balance_bound,
    least_node_peak,
    least_peak,
    node_balance_bound,
)
from evaluators.placement.expert_replication.dispatch import Dispatch
from evaluators.placement.expert_replication.scenario import build_scenario
from evaluators.placement.expert_replication.serving import layer_times
from evaluators.placement.expert_replication.system import System
from tests.evaluators.placement.scenes import (
    STATIC,
    a_network,
    a_system,
    a_workload,
    draw_loads,
    draw_plan,
    played,
    systems,
)
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


@pytest.mark.parametrize(
    ("groups", "nodes", "fitting"), [(2, 2, 1), (4, 2, 2), (4, 2, 3), (5, 3, 2), (6, 3, 2), (3, 4, 1)]
)
def test_the_best_way_to_share_out_groups_is_found(groups: int, nodes: int, fitting: int) -> None:
    loads = np.random.default_rng(groups).lognormal(0.0, 1.0, (3, groups))
    ways = [way for way in product(range(nodes), repeat=groups) if np.bincount(way).max() <= fitting]
    peaks = [[np.bincount(way, row, nodes).max() for way in ways] for row in loads]
    assert least_node_peak(loads, nodes, fitting) == pytest.approx(np.min(peaks, axis=1))


def test_eight_groups_on_four_nodes_have_105_ways_in_pairs_and_many_groups_a_looser_bound() -> None:
    assert len(_ways(8, 4, 2)) == 105
    many = np.arange(12.0)[None]
    assert least_node_peak(many, 3, 4).tolist() == [22.0]
    assert least_node_peak(np.array([[50.0, *range(11)]]), 3, 4).tolist() == [50.0]


@given(dispatch=st.sampled_from(Dispatch), groups=st.sampled_from([2, 4]), seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_no_plan_with_groups_on_nodes_balances_better(dispatch: Dispatch, groups: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one_node = a_system(a_network(gpus=4, nodes=1), experts=8, slots=12, layers=2)
    halves = [draw_plan(one_node, dispatch, rng) for _ in range(2)]
    system = a_system(a_network(gpus=8, nodes=2, groups=groups, group_limit=1), slots=24, layers=2)
    owner = rng.permutation(groups).repeat(16 // groups)  # the first half of the groups' names go to one node
    experts = np.argsort(owner, kind="stable")
    plan = replace(
        halves[0],
        placement_LP=np.hstack([experts[halves[0].placement_LP], experts[8 + halves[1].placement_LP]]),
        split_LP=np.hstack([half.split_LP for half in halves]),
    )
    loads = draw_loads(system, rng)
    bound = node_balance_bound(loads.sum(axis=0), system)
    assert bound is not None
    assert layer_times(plan, loads, system).gpu_balance <= bound * (1 + 1e-9)


def test_where_groups_do_not_fit_the_nodes_there_is_no_such_bound() -> None:
    loads = np.ones((3, 16))
    assert node_balance_bound(loads, a_system()) is None
    four_nodes = a_network(gpus=8, nodes=4, groups=2, group_limit=1)
    assert node_balance_bound(loads, a_system(four_nodes, slots=24)) is None
    assert node_balance_bound(loads, a_system(a_network(groups=4, group_limit=2))) == pytest.approx(1.0)
