"""Small graphs, an exact method and programs for the tests of `task_graph`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from evaluators.contract import Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.task_graph.graph import Floats, Network, TaskGraph
from evaluators.scheduling.task_graph.platforms import PLATFORMS, Machine, assemble
from evaluators.scheduling.task_graph.scenario import Scenario, make_scenario
from evaluators.scheduling.task_graph.shapes import SHAPES, outline_of
from evaluators.scheduling.task_graph.task import PROBLEM
from evaluators.scheduling.task_graph.timing import Plan
from evaluators.seeding import SeedSource, secret_from_seed

CLOCK = ClockPolicy()
INF = float("inf")
START = """
import numpy as np
def schedule(graph, config):
    tasks = config["tasks"]
"""
ON_FASTEST = START + "    return {'processor': graph['times'].argmin(axis=1), 'order': np.arange(tasks)}"


def graph_of(
    times: Sequence[Sequence[float]],
    edges: Sequence[tuple[int, int, float]] = (),
    latency: float = 0.0,
    gap: float = 1.0,
) -> TaskGraph:
    """Times by task and processor; edges with their data; all pairs of processors alike."""
    processors = len(times[0])
    apart_PP = 1.0 - np.eye(processors)
    rows = sorted(edges, key=lambda edge: (edge[1], edge[0]))
    return TaskGraph(
        times_NP=np.array(times, dtype=np.float64),
        sources_E=np.array([source for source, _, _ in rows], dtype=np.int64),
        targets_E=np.array([target for _, target, _ in rows], dtype=np.int64),
        data_E=np.array([data for _, _, data in rows], dtype=np.float64),
        network=Network(latency * apart_PP, gap * apart_PP),
    )


# The example of Topcuoglu, Hariri and Wu (2002): HEFT's schedule takes 80 and CPOP's 86.
TOPCUOGLU = graph_of(
    [[14, 16, 9], [13, 19, 18], [11, 13, 19], [13, 8, 17], [12, 13, 10], [13, 16, 9], [7, 15, 11], [5, 11, 14],
     [18, 12, 20], [21, 7, 16]],
    [(0, 1, 18), (0, 2, 12), (0, 3, 9), (0, 4, 11), (0, 5, 14), (1, 7, 19), (1, 8, 16), (2, 6, 23), (3, 7, 27),
     (3, 8, 23), (4, 8, 13), (5, 7, 15), (6, 9, 17), (7, 9, 11), (8, 9, 13)],
)  # fmt: skip
DIAMOND = graph_of([[2, 4], [3, 6], [6, 3], [2, 2]], [(0, 1, 1), (0, 2, 1), (1, 3, 2), (2, 3, 2)], latency=1.0)


def random_graph(seed: int, size: int = 12, processors: int = 0) -> TaskGraph:
    """Of any shape, on any platform."""
    rng = np.random.default_rng(seed)
    machine = Machine(
        platform=str(rng.choice(list(PLATFORMS))),
        processors=processors or int(rng.integers(1, 6)),
        ccr=float(rng.choice([0.0, 0.1, 1.0, 5.0])),
        heterogeneity=float(rng.choice([0.0, 1.0, 2.0])),
    )
    return assemble(outline_of(str(rng.choice(list(SHAPES))), size, rng), machine, rng)


def tiny_graph(seed: int) -> TaskGraph:
    """Few enough tasks for `optimum_us`: any edges, times and links, some tasks not everywhere."""
    rng = np.random.default_rng(seed)
    size, processors = ((6, 2), (5, 3), (7, 2), (6, 3))[seed % 4]
    times_NP = rng.uniform(1, 10, (size, processors))
    times_NP[rng.random((size, processors)) < 0.1] = np.inf
    times_NP[np.isinf(times_NP).all(axis=1)] = 5.0
    density = rng.choice([0.2, 0.4, 0.7])
    edges = [(i, j) for j in range(size) for i in range(j) if rng.random() < density]
    scale = float(rng.choice([0.0, 1.0, 5.0]))
    network = Network(*(scale * rng.uniform(0, 1, (processors, processors)) * (1 - np.eye(processors)) for _ in "lg"))
    return TaskGraph(
        times_NP=times_NP,
        sources_E=np.array([i for i, _ in edges], dtype=np.int64),
        targets_E=np.array([j for _, j in edges], dtype=np.int64),
        data_E=rng.uniform(0, 2, len(edges)),
        network=network,
    )


def random_plan(graph: TaskGraph, rng: np.random.Generator) -> Plan:
    """Any processors that can run the tasks, and any order that respects the edges."""
    able_NP = np.isfinite(graph.times_NP)
    processor_N = np.array([int(rng.choice(np.flatnonzero(row))) for row in able_NP], dtype=np.int64)
    if rng.random() < 0.3:  # everything together, where that can be
        processor_N = np.where(able_NP[:, 0], 0, processor_N)
    order: list[int] = []
    left = set(range(graph.size))
    needs = [set(graph.sources_E[edges].tolist()) for edges in graph.edges_in]
    while left:
        order.append(int(rng.choice(sorted(task for task in left if not needs[task] & left))))
        left.remove(order[-1])
    return Plan(processor_N, np.array(order, dtype=np.int64))


def makespan_by_hand(graph: TaskGraph, plan: Plan) -> float:
    """The rule as it is told, task by task."""
    ended: dict[int, float] = {}
    last = dict.fromkeys(range(graph.num_processors), 0.0)
    latency, gap = graph.network.latency_PP, graph.network.gap_PP
    for task in plan.order_N.tolist():
        here = int(plan.processor_N[task])
        begin = last[here]
        for source, target, data in zip(graph.sources_E, graph.targets_E, graph.data_E, strict=True):
            if target == task:
                there = int(plan.processor_N[source])
                travel = 0.0 if there == here else float(latency[there, here] + gap[there, here] * data)
                begin = max(begin, ended[int(source)] + travel)
        last[here] = ended[task] = begin + float(graph.times_NP[task, here])
    return max(ended.values())


def optimum_us(graph: TaskGraph) -> float:
    """The least makespan over all schedules, by depth-first search: tasks in the order in which they begin.

    A branch is left when a path of fastest times alone takes it to the best makespan so far.
    """
    least_N = graph.times_NP.min(axis=1)
    rest_N = least_N.copy()
    for task in reversed(range(graph.size)):
        rest_N[task] += max((rest_N[graph.targets_E[edge]] for edge in graph.edges_out[task]), default=0.0)
    best = INF

    def go_on(begun: dict[int, tuple[int, float]], free: Floats, latest: float) -> None:
        nonlocal best
        if len(begun) == graph.size:
            best = min(best, float(free.max()))
        for task in range(graph.size):
            edges = graph.edges_in[task]
            if task in begun or any(int(source) not in begun for source in graph.sources_E[edges]):
                continue
            for place in np.flatnonzero(np.isfinite(graph.times_NP[task])).tolist():
                arrive = [
                    begun[int(graph.sources_E[edge])][1]
                    + float(graph.transfer_EPP[edge, begun[int(graph.sources_E[edge])][0], place])
                    for edge in edges
                ]
                begin = max([float(free[place]), *arrive])
                end = begin + float(graph.times_NP[task, place])
                if begin < latest or end + rest_N[task] - least_N[task] >= best:
                    continue
                after = free.copy()
                after[place] = end
                go_on({**begun, task: (place, end)}, after, begin)

    go_on({}, np.zeros(graph.num_processors), 0.0)
    return best


@cache
def quick(split: Split) -> tuple[Scenario, ...]:
    """The suite's graphs, drawn once for all tests."""
    return tuple(PROBLEM.instances(Tier.QUICK, split, SeedSource(secret_from_seed(3), split)))


def a_scenario(graph: TaskGraph | None = None) -> Scenario:
    """A graph of its own regime."""
    return make_scenario("scene-0", "scene", TOPCUOGLU if graph is None else graph, candidate_seed=7)
