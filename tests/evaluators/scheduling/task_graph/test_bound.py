from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.contract import Split
from evaluators.scheduling.task_graph.bound import least_costs, makespan_bound_us, path_bound, prices
from evaluators.scheduling.task_graph.heads import ancestors, crossings, heads, tails
from evaluators.scheduling.task_graph.heft import heft, in_order
from evaluators.scheduling.task_graph.timing import Plan, time_plan
from tests.evaluators.scheduling.task_graph.graphs import (
    DIAMOND,
    INF,
    TOPCUOGLU,
    graph_of,
    optimum_us,
    quick,
    random_graph,
    random_plan,
    tiny_graph,
)


@pytest.mark.parametrize("seed", range(40))
def test_no_schedule_of_all_is_below_the_bound_and_it_is_near(seed: int) -> None:
    graph = tiny_graph(seed)
    best_us, bound_us = optimum_us(graph), makespan_bound_us(graph)
    assert bound_us <= best_us
    assert best_us < 2.0 * bound_us


def test_the_bound_is_the_optimum_where_nothing_is_in_the_way() -> None:
    chain = graph_of([[3, 4], [5, 2], [1, 6]], [(0, 1, 1), (1, 2, 10)])
    assert makespan_bound_us(chain) == pytest.approx(optimum_us(chain)) == pytest.approx(9)
    even = graph_of([[4, 4]] * 4)
    assert makespan_bound_us(even) == pytest.approx(optimum_us(even)) == pytest.approx(8)
    assert makespan_bound_us(DIAMOND) <= optimum_us(DIAMOND)


def test_a_task_waits_for_transfers_or_for_needs_on_its_own_processor() -> None:
    join = graph_of([[4, 4, 4], [4, 4, 4], [4, 4, 4], [1, 1, 1]], [(0, 3, 3), (1, 3, 3), (2, 3, 3)])
    assert heads(join)[3].tolist() == [7.0, 7.0, 7.0]  # one there, two from elsewhere
    near = graph_of([[4, 4, 4], [4, 4, 4], [1, 1, 1]], [(0, 2, 9), (1, 2, 9)])
    assert heads(near)[2].tolist() == [8.0, 8.0, 8.0]  # both there, one after the other
    assert tails(near)[:2].tolist() == [[1.0, 1.0, 1.0]] * 2


def test_needs_that_run_nowhere_else_are_waited_for() -> None:
    graph = graph_of([[4, INF], [4, INF], [INF, 1]], [(0, 2, 3), (1, 2, 3)])
    assert heads(graph)[2, 1] == 7.0
    assert makespan_bound_us(graph) <= optimum_us(graph) == 12.0
    only = graph_of([[4, INF], [4, INF], [1, INF]], [(0, 2, 3), (1, 2, 3)])
    assert makespan_bound_us(only) == pytest.approx(optimum_us(only)) == pytest.approx(9.0)


def test_a_task_waits_for_those_that_would_come_late_from_elsewhere_though_not_just_before_it() -> None:
    times = [[4.0, 4.0]] * 4 + [[1.0, 1.0]]
    graph = graph_of(times, [(0, 2, 99), (1, 3, 99), (2, 4, 99), (3, 4, 99)])
    costs_CN = least_costs(graph.times_NP, np.array([[0.5, 0.5]]))
    assert heads(graph)[4].tolist() == [12.0, 12.0]  # two chains of 4 + 4, of which joins see the last tasks only
    assert heads(graph, costs_CN)[4].tolist() == [16.0, 16.0]
    assert makespan_bound_us(graph) == pytest.approx(optimum_us(graph)) == pytest.approx(17.0)


def test_of_many_tasks_before_one_more_than_are_looked_at_may_run_beside_it() -> None:
    graph = graph_of([[1, 1]] * 60 + [[1, 1]], [(task, 60, 999) for task in range(60)])
    assert time_plan(graph, Plan(np.zeros(61, dtype=np.int64), np.arange(61))).makespan_us == 61.0
    assert makespan_bound_us(graph) <= 61.0


def test_what_comes_before_a_task_keeps_all_processors_busy() -> None:
    graph = graph_of([[2, 2]] * 6 + [[1, 1]], [(task, 6, 0) for task in range(6)])
    costs_CN = least_costs(graph.times_NP, np.array([[0.5, 0.5]]))
    assert heads(graph, costs_CN)[6].tolist() == [6.0, 6.0]
    assert makespan_bound_us(graph) == pytest.approx(7.0)


def test_tails_are_the_heads_of_the_schedule_played_backwards() -> None:
    graph = random_graph(5, 20, processors=3)
    turned = graph.reversed()
    assert np.allclose(tails(graph), heads(turned)[::-1])
    assert path_bound(graph, heads(graph), tails(graph)) == pytest.approx(
        path_bound(turned, heads(turned), tails(turned))
    )


@given(seed=st.integers(0, 10**6), size=st.integers(2, 40))
@settings(max_examples=80, deadline=None)
def test_no_random_plan_is_below_the_bound(seed: int, size: int) -> None:
    graph = random_graph(seed, size)
    bound_us, rng = makespan_bound_us(graph), np.random.default_rng(seed)
    plans = [in_order(graph), heft(graph), *(random_plan(graph, rng) for _ in range(8))]
    assert all(time_plan(graph, plan).makespan_us >= bound_us for plan in plans)


@given(seed=st.integers(0, 10**6), size=st.integers(2, 40))
@settings(max_examples=40, deadline=None)
def test_no_task_starts_before_its_head_or_ends_after_its_tail(seed: int, size: int) -> None:
    graph = random_graph(seed, size)
    plan = random_plan(graph, np.random.default_rng(seed))
    timing, rows = time_plan(graph, plan), np.arange(graph.size)
    slack = 1e-9 * timing.makespan_us
    everything = np.ones((1, graph.size), dtype=np.bool_)
    for costs_CN in (None, least_costs(graph.times_NP, prices(graph.times_NP, everything))):
        assert (timing.start_N >= heads(graph, costs_CN)[rows, plan.processor_N] - slack).all()
        assert (timing.makespan_us - timing.end_N >= tails(graph, costs_CN)[rows, plan.processor_N] - slack).all()


@given(seed=st.integers(0, 10**6), size=st.integers(2, 25))
@settings(max_examples=40, deadline=None)
def test_tasks_on_different_processors_are_as_far_apart_as_crossings_say(seed: int, size: int) -> None:
    graph = random_graph(seed, size)
    plan = random_plan(graph, np.random.default_rng(seed))
    timing, crossing_NN = time_plan(graph, plan), crossings(graph)
    for after, before in np.argwhere(ancestors(graph)).tolist():
        if plan.processor_N[after] != plan.processor_N[before]:
            assert timing.start_N[after] - timing.end_N[before] >= crossing_NN[before, after] - 1e-6


@given(seed=st.integers(0, 10**6), size=st.integers(2, 40))
@settings(max_examples=40, deadline=None)
def test_the_bound_contains_the_simple_ones(seed: int, size: int) -> None:
    graph = random_graph(seed, size)
    least_N = graph.times_NP.min(axis=1)
    rest_N = least_N.copy()
    for task in reversed(range(graph.size)):
        rest_N[task] += max((rest_N[graph.targets_E[edge]] for edge in graph.edges_out[task]), default=0.0)
    bound_us = makespan_bound_us(graph) * (1 + 1e-8)
    assert bound_us >= rest_N.max()
    assert bound_us >= least_N.sum() / graph.num_processors


def test_one_processor_has_to_do_everything() -> None:
    graph = random_graph(3, 15, processors=1)
    assert makespan_bound_us(graph) == pytest.approx(graph.times_NP.sum())


def test_heads_and_tails_raise_the_bound_of_the_example() -> None:
    assert 60.0 < makespan_bound_us(TOPCUOGLU) <= 73.0


@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_bounds_of_the_suite_are_below_the_weak_baseline_and_not_far(split: Split) -> None:
    ratios = [scenario.weak_us / scenario.bound_us for scenario in quick(split)]
    assert min(ratios) > 1.0
    assert max(ratios) < 6.0
