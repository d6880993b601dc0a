from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.contract import Outcome
from evaluators.placement.cost import Floats, presence
from evaluators.placement.expert_replication.bound import bound_us
from evaluators.placement.expert_replication.dispatch import Dispatch, Plan, even_plan
from evaluators.placement.expert_replication.fresh import materialise
from evaluators.placement.expert_replication.serving import INTERFERENCE, layer_times
from evaluators.placement.expert_replication.sharded import plan_migration
from evaluators.placement.expert_replication.system import System
from evaluators.placement.expert_replication.workload import RECENT_ITERATIONS, Regime, draw_workload
from tests.evaluators.placement.scenes import (
    MODELLED,
    a_load_shape,
    a_network,
    a_scenario,
    a_system,
    draw_loads,
    draw_plan,
    played,
    systems,
)
from tests.in_process import InProcessCandidate

LAST_FRESH = """
import numpy as np
class Policy:
    def __init__(self, config):
        slot, room = np.arange(config["slots"]), config["slots_per_gpu"]
        self.row = np.where(slot % room < room - 1, slot // room * (room - 1) + slot % room, -9)
    def plan(self, loads, samples, placement, window):
        rows = np.tile(self.row, (len(placement), 1))
        if window % 2:
            return {"placement": rows * 0, "keep": np.ones(len(rows), bool), "dispatch": 3}
        return {"placement": rows, "fresh": rows < 0, "dispatch": window % 4}
"""


def with_fresh_slots(plan: Plan, system: System, rng: np.random.Generator) -> Plan:
    """The plan with some slots of replicated experts fresh, one at least on each GPU left as it is."""
    placement, fresh = plan.placement_LP.copy(), np.zeros(plan.placement_LP.shape, bool)
    room = system.slots_per_gpu
    for row, mask in zip(placement, fresh, strict=True):
        for slot in rng.permutation(row.size):
            gpu = slice(slot // room * room, slot // room * room + room)
            spare = (row[~mask] == row[slot]).sum() > 1 and (~mask[gpu]).sum() > 1
            mask[slot] = spare and rng.random() < 0.8
        by_gpu, fresh_GS = row.reshape(-1, room), mask.reshape(-1, room)
        by_gpu[fresh_GS] = np.repeat(by_gpu[np.arange(len(by_gpu)), fresh_GS.argmin(axis=1)], fresh_GS.sum(axis=1))
    return Plan(placement, plan.dispatch, even_plan(placement, system.experts).split_LP, fresh_LP=fresh)


@given(
    system=systems(),
    dispatch=st.sampled_from([Dispatch.EVEN, Dispatch.LP, Dispatch.LOCAL_FIRST]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=250, deadline=None)
def test_fresh_slots_make_valid_placements_and_never_beat_the_bound(
    system: System, dispatch: Dispatch, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    loads, recent = draw_loads(system, rng), draw_loads(system, rng)
    plan = with_fresh_slots(draw_plan(system, dispatch, rng), system, rng)
    assert plan.fresh_LP is not None
    filled = materialise(plan, recent, system).placement_MP
    assert (np.sort(np.unique(filled[0])) == np.arange(system.experts)).all()
    held = presence(filled, system.experts, system.network.gpus)
    assert (held.sum(axis=(1, 2)) == system.slots).all()  # none twice on a GPU
    assert held.any(axis=1).all()
    stays = np.tile(~plan.fresh_LP, (len(loads), 1))
    assert (filled == np.tile(plan.placement_LP, (len(loads), 1)))[stays].all()
    plan = replace(plan, sharded_L=rng.random(system.layers) < 0.3)
    clairvoyant = layer_times(plan, loads, system, loads)
    for times in (layer_times(plan, loads, system, recent), clairvoyant):
        assert (times.total_I >= bound_us(loads, system).sum(axis=1) * (1 - 1e-9)).all()


def a_plan(system: System) -> Plan:
    """Experts in order over the first slots of the GPUs, the last slot of each GPU fresh."""
    gpus, room = system.network.gpus, system.slots_per_gpu
    rows = np.arange(system.experts).reshape(gpus, room - 1)
    row = np.concatenate([rows, rows[:, :1]], axis=1).ravel()
    placement = np.tile(row, (system.layers, 1))
    fresh = np.tile(np.arange(system.slots) % room == room - 1, (system.layers, 1))
    return Plan(placement, Dispatch.EVEN, even_plan(placement, system.experts).split_LP, fresh_LP=fresh)


def hot(system: System, *experts: int) -> Floats:
    """One iteration of tokens in which a few experts of each layer have nearly all."""
    loads = np.ones((1, system.layers, system.experts))
    loads[:, :, experts] = 1000.0
    return loads


def test_the_hot_expert_is_copied_to_every_gpu_and_balances_them() -> None:
    system = a_system()
    times = layer_times(a_plan(system), hot(system, 5), system, hot(system, 5))
    assert times.gpu_balance > 0.9
    wrong = layer_times(a_plan(system), hot(system, 5), system, hot(system, 6))
    assert wrong.gpu_balance < 0.2
    filled = materialise(a_plan(system), hot(system, 5), system).placement_MP
    assert ((filled == 5).sum(axis=1) == system.network.gpus).all()


def test_two_hot_experts_share_the_slots_and_reach_both_nodes() -> None:
    system = a_system()
    filled = materialise(a_plan(system), hot(system, 5, 12), system).placement_MP
    counts = [(filled == expert).sum(axis=1) for expert in (5, 12)]
    assert (counts[0] + counts[1] == 8 + 2).all()
    assert (np.abs(counts[0] - counts[1]) <= 1).all()
    on_node = presence(filled, system.experts, system.network.nodes)
    assert on_node[:, :, [5, 12]].all()


def test_gathering_takes_the_slower_link_of_the_gpu_that_waits_longest() -> None:
    network = a_network(intra_bytes_per_s=4e9, inter_bytes_per_s=1e9)
    system = a_system(network, expert_bytes=1e6)
    gather = materialise(a_plan(system), hot(system, 5), system).gather_IL
    assert gather == pytest.approx(1000.0)  # the first copy on the other node; passed on there at 250 us
    one_node = replace(system, network=replace(network, nodes=1))
    assert materialise(a_plan(one_node), hot(system, 5), one_node).gather_IL == pytest.approx(250.0)


@pytest.mark.parametrize("attention_us", [0.0, 400.0, 5000.0])
def test_fresh_copies_hide_behind_attention_as_far_as_they_fit(attention_us: float) -> None:
    network = a_network(intra_bytes_per_s=4e9, inter_bytes_per_s=1e9)
    system = a_system(network, expert_bytes=1e6, attention_us=attention_us, layers=1)
    times = layer_times(a_plan(system), hot(system, 5), system, hot(system, 5))
    hidden = min(attention_us, 1000.0)
    assert times.gathering_I == pytest.approx(1000.0 - hidden + INTERFERENCE * hidden)
    parts = times.balanced_I + times.imbalance_I + times.exchange_I + times.gathering_I
    assert times.total_I == pytest.approx(parts)


def test_with_two_batches_fresh_copies_share_the_links_with_the_all_to_all() -> None:
    network = a_network(intra_bytes_per_s=4e9, inter_bytes_per_s=1e9)
    for fixed_us, beyond in ((50_000.0, 0.0), (0.0, 1000.0)):
        system = a_system(network, expert_bytes=1e6, fixed_us=fixed_us, overlapped=True, layers=1)
        times = layer_times(a_plan(system), hot(system, 5), system, hot(system, 5))
        assert times.exchange_I[0] > 0 or fixed_us
        assert times.gathering_I == pytest.approx(beyond + INTERFERENCE * (1000.0 - beyond))


def test_moving_counts_no_fresh_slot_and_a_plan_without_forecast_is_refused() -> None:
    system = a_system()
    plan = a_plan(system)
    assert plan_migration(plan, replace(plan, fresh_LP=None), system).replicas == 0.0
    with pytest.raises(ValueError, match="the plan has fresh slots"):
        layer_times(plan, hot(system, 5), system)


def test_a_program_may_leave_slots_fresh_and_is_shown_which() -> None:
    scenario, candidate = a_scenario(a_system(expert_bytes=1.0)), InProcessCandidate(LAST_FRESH)
    result = scenario.play(candidate, MODELLED)
    assert result.outcome is Outcome.SCORED
    assert result.score is not None
    assert result.score > 0.0
    assert result.metrics["gathering_us"] > 0.0
    shown = np.asarray(candidate.calls[-1][1][2])
    assert (shown.reshape(3, 8, 3) == np.insert(np.arange(16).reshape(8, 2), 2, -1, axis=1)).all()
    assert result == played(scenario, LAST_FRESH)


def test_forecasts_come_from_just_before_and_leave_the_loads_alone() -> None:
    turns = Regime(name="turns", walk_sd=0.0, domain_time=0.0, alternate_every=1)
    shape = a_load_shape(a_system(tokens=100_000, iterations_per_window=4000))
    work = draw_workload(turns, shape, np.random.default_rng(0))
    assert work.recent_WILE.shape == (shape.scored, *work.iterations_WILE.shape[1:])
    served = work.iterations_WILE[work.warmup :] / work.iterations_WILE[work.warmup :].mean(axis=3, keepdims=True)
    assert work.recent_WILE == pytest.approx(served, rel=0.1, abs=0.05)
    brief = replace(shape, iterations_per_window=4)  # all that is before an iteration is in the stretch before
    abrupt = draw_workload(turns, brief, np.random.default_rng(0))
    before = abrupt.iterations_WILE[work.warmup - 1 : -1, -1]
    before = before / before.mean(axis=2, keepdims=True)
    assert abrupt.recent_WILE[:, 0] == pytest.approx(before, rel=0.1, abs=0.05)
    assert not np.allclose(abrupt.recent_WILE[:, 0], served[:, 0], rtol=0.3, atol=0.2)


def test_forecasts_are_as_noisy_as_five_iterations() -> None:
    still = Regime(name="still", walk_sd=0.0, domain_time=0.0)
    shape = a_load_shape(a_system(tokens=2000, layers=40), scored=40)
    work = draw_workload(still, shape, np.random.default_rng(0))
    single = work.iterations_WILE[work.warmup :] / work.iterations_WILE.mean(axis=3, keepdims=True)[work.warmup :]
    variances = [values.var(axis=(0, 1)).mean() for values in (single, work.recent_WILE.astype(np.float64))]
    assert variances[0] / variances[1] == pytest.approx(RECENT_ITERATIONS, rel=0.1)
