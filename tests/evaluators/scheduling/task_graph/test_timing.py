from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.task_graph.heft import heft, in_order, upward_ranks
from evaluators.scheduling.task_graph.timing import Plan, time_plan
from tests.evaluators.scheduling.task_graph.graphs import (
    DIAMOND,
    TOPCUOGLU,
    graph_of,
    makespan_by_hand,
    random_graph,
    random_plan,
)


def plan(processors: list[int], order: list[int]) -> Plan:
    return Plan(np.array(processors), np.array(order))


def test_tasks_wait_for_their_processor_and_for_their_data() -> None:
    timing = time_plan(DIAMOND, plan([0, 0, 1, 0], [0, 1, 2, 3]))
    assert timing.start_N.tolist() == [0.0, 2.0, 4.0, 10.0]  # 2 + 1 + 1 to the other processor; 7 + 1 + 2 back
    assert timing.end_N.tolist() == [2.0, 5.0, 7.0, 12.0]
    assert timing.crossing_E.tolist() == [False, True, False, True]
    assert timing.makespan_us == 12.0


def test_a_processor_keeps_the_order_even_if_it_idles() -> None:
    graph = graph_of([[5, 5], [1, 1], [1, 1]], [(0, 1, 0)])
    assert time_plan(graph, plan([0, 1, 1], [0, 1, 2])).start_N.tolist() == [0.0, 5.0, 6.0]
    assert time_plan(graph, plan([0, 1, 1], [2, 0, 1])).start_N.tolist() == [0.0, 5.0, 0.0]


def test_links_have_directions() -> None:
    graph = graph_of([[1, 1], [1, 1]], [(0, 1, 2)])
    graph.network.gap_PP[0, 1] = 10.0
    assert time_plan(graph, plan([0, 1], [0, 1])).makespan_us == 22.0
    assert time_plan(graph, plan([1, 0], [0, 1])).makespan_us == 4.0


@given(seed=st.integers(0, 10**6), size=st.integers(2, 30))
@settings(max_examples=60, deadline=None)
def test_a_plan_is_played_as_the_page_says(seed: int, size: int) -> None:
    graph = random_graph(seed, size)
    chosen = random_plan(graph, np.random.default_rng(seed))
    assert time_plan(graph, chosen).makespan_us == pytest.approx(makespan_by_hand(graph, chosen))


def test_heft_makes_the_published_schedule_of_the_published_example() -> None:
    assert np.round(upward_ranks(TOPCUOGLU), 3)[:4].tolist() == [108.0, 77.0, 80.0, 80.0]
    assert time_plan(TOPCUOGLU, heft(TOPCUOGLU)).makespan_us == 80.0


def test_the_weak_baseline_is_tasks_in_order_where_each_ends_first() -> None:
    graph = graph_of([[4, 5], [4, 5], [4, 5]])
    found = in_order(graph)
    assert found.processor_N.tolist() == [0, 1, 0]
    assert found.order_N.tolist() == [0, 1, 2]
