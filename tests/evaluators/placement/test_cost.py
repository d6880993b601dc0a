from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.cost import (
    DEVICES,
    TABLE_TOKENS,
    ExpertCurve,
    ExpertShape,
    Integers,
    all_to_all_us,
    group_visits,
    measured_curve,
    migration,
    roofline_curve,
)
from evaluators.placement.expert_replication.dispatch import Dispatch, Plan, even_plan, flows
from evaluators.placement.expert_replication.serving import layer_times
from evaluators.placement.expert_replication.system import System
from tests.evaluators.placement.scenes import (
    a_network,
    a_system,
    draw_loads,
    draw_placement,
    draw_plan,
    systems,
)

DEEPSEEK = ExpertShape(hidden=7168, intermediate=2048)
CURVES = [
    roofline_curve(DEVICES["h800"], DEEPSEEK, tile=64),
    roofline_curve(DEVICES["h20"], DEEPSEEK, tile=128),
    measured_curve(np.array([1, 8, 100, 700]), np.array([20.0, 21.0, 60.0, 300.0])),
    measured_curve(np.array([16, 5000]), np.array([3.0, 900.0])),
]


def test_deepseek_expert_is_as_large_as_published() -> None:
    assert DEEPSEEK.weight_bytes == pytest.approx(44.04e6, rel=1e-3)
    assert DEEPSEEK.flops_per_token == pytest.approx(88.1e6, rel=1e-3)
    assert DEEPSEEK.token_bytes == pytest.approx(21.7e3, rel=1e-2)


def test_roofline_breaks_even_where_streaming_the_weights_takes_as_long() -> None:
    curve = roofline_curve(DEVICES["h800"], DEEPSEEK, tile=1)
    assert curve.table_us[0] == 0.0
    assert curve.table_us[1] == curve.table_us[214] == pytest.approx(15.7, abs=0.1)
    assert curve.table_us[216] > curve.table_us[214]


@pytest.mark.parametrize("curve", CURVES)
@given(
    counts=st.lists(st.integers(0, 3 * TABLE_TOKENS), min_size=1, max_size=4), cut=st.floats(0, 1), tiny=st.booleans()
)
@settings(max_examples=60, deadline=None)
def test_no_split_of_a_count_is_faster_than_its_floor(
    curve: ExpertCurve, counts: list[int], cut: float, tiny: bool
) -> None:
    whole = np.array([float(sum(counts))])
    first = 1e-3 if tiny else cut
    parts = np.array([first * counts[0], (1 - first) * counts[0], *counts[1:]], dtype=np.float64)
    assert curve.time_us(parts).sum() >= curve.floor_us(whole)[0] * (1 - 1e-12)


@pytest.mark.parametrize("curve", CURVES)
def test_curves_never_fall(curve: ExpertCurve) -> None:
    tokens = np.linspace(0, 3 * TABLE_TOKENS, 5000)
    assert (np.diff(curve.time_us(tokens)) >= -1e-9).all()


def test_measured_curve_keeps_the_stairs() -> None:
    curve = measured_curve(np.array([1, 8, 100]), np.array([20.0, 30.0, 60.0]))
    times = curve.time_us(np.array([0.0, 0.5, 1.0, 1.0 + 1e-9, 2.0, 8.0, 8.5, 100.0, 200.0]))
    assert times.tolist() == [0.0, 20.0, 20.0, 20.0, 30.0, 30.0, 60.0, 60.0, 120.0]


@given(system=systems(), dispatch=st.sampled_from(Dispatch), seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_flows_lose_no_token(system: System, dispatch: Dispatch, seed: int) -> None:
    rng = np.random.default_rng(seed)
    loads, plan = draw_loads(system, rng), draw_plan(system, dispatch, rng)
    moved = flows(plan, loads, system.network)
    assert moved.tokens_ILP.sum(axis=2) == pytest.approx(loads.sum(axis=2))
    assert (moved.near_ILP + moved.far_ILP <= moved.tokens_ILP + 1e-9).all()
    if system.network.nodes == 1:
        assert (moved.far_ILP == 0).all()


def _relabelled(plan: Plan, rng: np.random.Generator, system: System, *, gpus: bool) -> tuple[Plan, Integers]:
    """The plan with GPUs permuted within nodes and nodes permuted, or with other names for the experts."""
    if not gpus:
        names = rng.permutation(system.experts)
        return Plan(names[plan.placement_LP], plan.dispatch, plan.split_LP), names
    network = system.network
    nodes = [rng.permutation(network.gpus_per_node) + network.gpus_per_node * n for n in range(network.nodes)]
    order_G = np.concatenate([nodes[n] for n in rng.permutation(network.nodes)])
    slots = (order_G[:, None] * system.slots_per_gpu + np.arange(system.slots_per_gpu)).ravel()
    return Plan(plan.placement_LP[:, slots], plan.dispatch, plan.split_LP[:, slots]), np.arange(system.experts)


@given(
    system=systems(),
    dispatch=st.sampled_from([Dispatch.EVEN, Dispatch.SPLIT, Dispatch.LOCAL_FIRST]),
    seed=st.integers(0, 2**32),
    gpus=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_names_of_experts_and_gpus_do_not_matter(system: System, dispatch: Dispatch, seed: int, gpus: bool) -> None:
    rng = np.random.default_rng(seed)
    if system.network.group_limit < system.network.groups and not gpus:
        return  # a group is a stretch of names
    loads, plan = draw_loads(system, rng), draw_plan(system, dispatch, rng)
    other, names = _relabelled(plan, rng, system, gpus=gpus)
    renamed = np.empty_like(loads)
    renamed[..., names] = loads
    expected = layer_times(plan, loads, system).total_I
    assert layer_times(other, renamed, system).total_I == pytest.approx(expected, rel=1e-9)


@given(system=systems(), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_permuting_the_slots_of_a_gpu_moves_nothing(system: System, seed: int) -> None:
    rng = np.random.default_rng(seed)
    old = draw_placement(system, rng)
    by_gpu = old.reshape(system.layers, system.network.gpus, -1)
    new = rng.permuted(by_gpu, axis=2).reshape(old.shape)
    move = migration(old, new, system.experts, 1e6, system.network)
    assert (move.replicas, move.total_bytes, move.seconds) == (0, 0.0, 0.0)


def test_a_copy_comes_from_its_own_node_if_it_can() -> None:
    network = a_network(gpus=4, nodes=2)
    old = np.array([[0, 1, 2, 3]])
    near = migration(old, np.array([[1, 0, 2, 3]]), 4, 155e9, network)
    assert (near.replicas, near.seconds) == (2, 1.0)
    far = migration(old, np.array([[2, 1, 0, 3]]), 4, 45e9, network)
    assert (far.replicas, far.seconds) == (2, 1.0)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_one_copy_per_node_is_no_more_than_one_per_expert(seed: int) -> None:
    rng = np.random.default_rng(seed)
    system = a_system(a_network(gpus=8, nodes=8, intra_bytes_per_s=1e18))
    loads, plan = draw_loads(system, rng), draw_plan(system, Dispatch.EVEN, rng)
    moved = flows(plan, loads, system.network)
    once = a_network(gpus=8, nodes=8, intra_bytes_per_s=1e18, hierarchical=True)
    visits = group_visits(loads, system.top_k, once)
    assert (
        all_to_all_us(moved, plan.placement_LP, visits, once)
        <= all_to_all_us(moved, plan.placement_LP, visits, system.network) + 1e-9
    ).all()


def test_keeping_a_group_on_a_node_saves_traffic_where_tokens_are_limited_to_groups() -> None:
    network = a_network(hierarchical=True, groups=2, group_limit=1)
    system = a_system(network, slots=16)
    loads = np.full((1, system.layers, 16), 64.0)
    together = np.tile(np.arange(16), (system.layers, 1))
    scattered = np.tile(np.arange(16).reshape(2, 8).T.ravel(), (system.layers, 1))
    times = [layer_times(even_plan(p, 16), loads, system).total_I[0] for p in (together, scattered)]
    assert times[0] < times[1]
