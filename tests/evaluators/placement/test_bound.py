from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.cost import measured_curve
from evaluators.placement.expert_replication.bound import bound_us
from evaluators.placement.expert_replication.dispatch import Dispatch
from evaluators.placement.expert_replication.serving import layer_times
from evaluators.placement.expert_replication.system import System
from tests.evaluators.placement.scenes import a_system, draw_loads, draw_plan, systems

STAIRS = measured_curve(np.array([1, 16, 64, 256]), np.array([9.0, 8.0, 12.0, 70.0]))


@given(system=systems(), dispatch=st.sampled_from(Dispatch), measured=st.booleans(), seed=st.integers(0, 2**32))
@settings(max_examples=600, deadline=None)
def test_no_random_plan_beats_the_bound(system: System, dispatch: Dispatch, measured: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    if measured:
        system = a_system(
            system.network,
            experts=system.experts,
            slots=system.slots,
            layers=system.layers,
            overlapped=system.overlapped,
            curve=STAIRS,
        )
    loads = draw_loads(system, rng)
    plan = replace(draw_plan(system, dispatch, rng), sharded_L=rng.random(system.layers) < 0.3)
    times = layer_times(plan, loads, system).total_I
    assert (times >= bound_us(loads, system).sum(axis=1) * (1 - 1e-9)).all()


@pytest.mark.parametrize("dispatch", [Dispatch.EVEN, Dispatch.LP])
def test_bound_is_reached_when_loads_are_equal_and_nothing_travels_far(dispatch: Dispatch) -> None:
    system = a_system(lp_us=0.0)
    loads = np.full((1, system.layers, system.experts), 64.0)
    row = np.arange(system.slots) % system.experts
    plan = draw_plan(system, dispatch, np.random.default_rng(0))
    static = type(plan)(np.tile(row, (system.layers, 1)), dispatch, plan.split_LP)
    total = layer_times(static, loads, system).total_I[0]
    assert total >= bound_us(loads, system).sum()
    assert total < 1.6 * bound_us(loads, system).sum()


def test_bound_of_no_tokens_is_the_fixed_time() -> None:
    system = a_system()
    loads = np.zeros((1, system.layers, system.experts))
    assert bound_us(loads, system) == pytest.approx(system.fixed_us + system.network.latency_us)
