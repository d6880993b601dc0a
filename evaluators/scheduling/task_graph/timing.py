"""When every task of a plan starts and ends.

Shapes: N tasks, E edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.scheduling.task_graph.graph import Bools, Floats, Ints, TaskGraph


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Where each task runs, and in which order tasks begin."""

    processor_N: Ints  # of a task, by its number
    order_N: Ints  # the tasks, each behind those that it needs


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """A plan as it was played; microseconds."""

    start_N: Floats
    end_N: Floats
    crossing_E: Bools  # edges between processors

    @property
    def makespan_us(self) -> float:
        """When the last task ends; the first starts at 0."""
        return float(self.end_N.max())


def time_plan(graph: TaskGraph, plan: Plan) -> Timing:
    """Plays a valid plan: each processor runs its tasks in the plan's order, each as soon as its data are there.

    No task starts earlier in any schedule with these processors and orders on them.
    """
    places, sources, targets = plan.processor_N, graph.sources_E, graph.targets_E
    transfer_E = graph.transfer_EPP[np.arange(len(sources)), places[sources], places[targets]].tolist()
    duration_N, source_of = graph.times_NP[np.arange(graph.size), places].tolist(), sources.tolist()
    place_of, edges_in = places.tolist(), [edges.tolist() for edges in graph.edges_in]
    free = [0.0] * graph.num_processors
    start, end = [0.0] * graph.size, [0.0] * graph.size
    for task in plan.order_N.tolist():
        begin = free[place_of[task]]
        for edge in edges_in[task]:
            begin = max(begin, end[source_of[edge]] + transfer_E[edge])
        start[task] = begin
        end[task] = free[place_of[task]] = begin + duration_N[task]
    return Timing(np.array(start), np.array(end), places[sources] != places[targets])
