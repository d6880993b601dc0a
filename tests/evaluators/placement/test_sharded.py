from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.contract import Outcome
from evaluators.placement.cost import DEVICES, Device, migration, roofline_curve
from evaluators.placement.expert_replication.bound import bound_us
from evaluators.placement.expert_replication.dispatch import Dispatch, Plan
from evaluators.placement.expert_replication.serving import layer_times
from evaluators.placement.expert_replication.sharded import plan_migration, shard_efficiency
from evaluators.placement.expert_replication.system import System
from tests.evaluators.placement.scenes import (
    EXPERT,
    a_network,
    a_scenario,
    a_system,
    draw_loads,
    draw_plan,
    played,
    systems,
)

CUTTING = """
import numpy as np
class Policy:
    def __init__(self, config):
        self.layers = config["layers"]
    def plan(self, loads, samples, placement, window):
        return {"placement": np.full(placement.shape, -7), "sharded": np.ones(self.layers, bool)}
"""
ONCE = CUTTING.replace('"sharded": np.ones', '"keep": np.full(self.layers, window > 2), "sharded": np.ones')


def cut(plan: Plan, layers: list[bool]) -> Plan:
    return replace(plan, sharded_L=np.array(layers))


def test_a_slice_narrower_than_a_tile_wastes_the_rest() -> None:
    assert [shard_efficiency(2048, gpus) for gpus in (8, 16, 32, 64)] == [1.0, 1.0, 0.5, 0.25]
    assert shard_efficiency(1536, 10) == pytest.approx(153.6 / 256)


@given(system=systems(), seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_cut_layers_are_balanced_and_the_others_are_as_before(system: System, seed: int) -> None:
    rng = np.random.default_rng(seed)
    loads, plan = draw_loads(system, rng), draw_plan(system, Dispatch.EVEN, rng)
    whole, one, both = (
        layer_times(cut(plan, mask), loads, system) for mask in ([False] * 2, [True, False], [True] * 2)
    )
    assert both.imbalance_I == pytest.approx(0.0, abs=1e-9)
    assert both.gpu_balance == pytest.approx(1.0)
    alone = layer_times(replace(plan, placement_LP=plan.placement_LP[::-1]), loads[:, ::-1], system)
    assert alone.total_I == pytest.approx(whole.total_I)
    per_layer = [layer_times(_layer(plan, layer), loads[:, [layer]], replace(system, layers=1)) for layer in (0, 1)]
    first_cut = layer_times(cut(_layer(plan, 0), [True]), loads[:, [0]], replace(system, layers=1))
    assert one.total_I == pytest.approx(first_cut.total_I + per_layer[1].total_I)


def _layer(plan: Plan, layer: int) -> Plan:
    return Plan(plan.placement_LP[[layer]], plan.dispatch, plan.split_LP[[layer]])


def test_time_of_a_cut_layer_is_as_worked_out_by_hand() -> None:
    device = Device(flops_per_s=1e12, memory_bytes_per_s=1e30, intra_bytes_per_s=1e9, inter_bytes_per_s=1e9)
    network = a_network(gpus=8, nodes=2, token_bytes=1e3, intra_bytes_per_s=1e9, inter_bytes_per_s=1e9)
    system = a_system(network, curve=roofline_curve(device, EXPERT, tile=1), shard_efficiency=0.5, layers=1)
    loads = np.full((1, 1, 16), 64.0)
    plan = cut(draw_plan(system, Dispatch.EVEN, np.random.default_rng(0)), [True])
    compute = 16 * 128 * EXPERT.flops_per_token / 8 / 1e6  # twice the tokens, an eighth of the columns
    exchange = 10.0 + 512 * (1 / 8 + 3 / 4)  # a token is a microsecond: from the other node, then in the node
    assert layer_times(plan, loads, system).total_I[0] == pytest.approx(5.0 + compute + exchange)


@given(system=systems(), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_cutting_and_joining_move_what_is_missing(system: System, seed: int) -> None:
    rng = np.random.default_rng(seed)
    plan, other = (draw_plan(system, Dispatch.EVEN, rng) for _ in range(2))
    gpus, layers = system.network.gpus, system.layers
    to_cut = plan_migration(plan, cut(plan, [True] * layers), system)
    assert to_cut.replicas == pytest.approx(layers * (system.experts - system.slots_per_gpu))
    to_whole = plan_migration(cut(plan, [True] * layers), other, system)
    assert to_whole.replicas == pytest.approx(layers * system.slots_per_gpu * (gpus - 1))
    assert plan_migration(cut(plan, [True] * layers), cut(other, [True] * layers), system).seconds == 0.0
    expected = migration(plan.placement_LP, other.placement_LP, system.experts, system.expert_bytes, system.network)
    assert plan_migration(plan, other, system) == expected


@pytest.mark.parametrize("source", [CUTTING, ONCE], ids=["said anew", "kept"])
def test_a_program_may_cut_layers_and_pays_for_it_once(source: str) -> None:
    result = played(a_scenario(), source)
    assert result.outcome is Outcome.SCORED
    assert result.metrics["gpu_balance"] > 0.99
    assert result.metrics["moved_fraction"] == pytest.approx((16 - 3) / 24 / 6)


def test_a_cut_layer_that_is_not_said_anew_is_whole_again() -> None:
    source = CUTTING.replace("np.full(placement.shape, -7)", "placement").replace(
        "np.ones(self.layers, bool)", "np.full(self.layers, window % 2 == 0)"
    )
    result = played(a_scenario(), source)
    assert result.metrics["moved_fraction"] == pytest.approx((3 * 13 + 3 * 3 * 7) / 24 / 6)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_without_spare_slots_the_bound_allows_for_cut_layers(seed: int) -> None:
    network = a_network(nodes=1, gpus=8, intra_bytes_per_s=1e15, latency_us=0.0)
    system = a_system(network, slots=16, curve=roofline_curve(DEVICES["h20"], EXPERT, tile=1), shard_efficiency=1.0)
    rng = np.random.default_rng(seed)
    loads = draw_loads(system, rng)
    plan = cut(draw_plan(system, Dispatch.EVEN, rng), [True] * system.layers)
    assert (layer_times(plan, loads, system).total_I >= bound_us(loads, system).sum(axis=1) * (1 - 1e-9)).all()
