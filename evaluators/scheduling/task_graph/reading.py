"""From a program's answer to a plan that is valid.

Shapes: N tasks, E edges.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluators.candidate import Array, CandidateFailure, ReplyField
from evaluators.contract import Outcome
from evaluators.scheduling.task_graph.graph import TaskGraph
from evaluators.scheduling.task_graph.timing import Plan


def reply_fields(graph: TaskGraph) -> tuple[ReplyField, ReplyField]:
    """What a program returns for this graph."""
    return (
        ReplyField(name="processor", dtype="int64", shape=(graph.size,)),
        ReplyField(name="order", dtype="int64", shape=(graph.size,)),
    )


def read_plan(graph: TaskGraph, arrays: Mapping[str, Array]) -> Plan:
    """The plan that the arrays describe.

    Raises:
        CandidateFailure: `INVALID`: a processor out of range or one that cannot run the task, no permutation, or a
            task before one that it needs.
    """
    plan = Plan(
        processor_N=np.asarray(arrays["processor"], dtype=np.int64), order_N=np.asarray(arrays["order"], dtype=np.int64)
    )
    _check_processors(graph, plan)
    _check_order(graph, plan)
    return plan


def _check_processors(graph: TaskGraph, plan: Plan) -> None:
    outside_N = (plan.processor_N < 0) | (plan.processor_N >= graph.num_processors)
    if outside_N.any():
        task = int(outside_N.argmax())
        raise _invalid(
            f"processor: expected 0 to {graph.num_processors - 1}, found {plan.processor_N[task]} for task {task}"
        )
    unable_N = np.isinf(graph.times_NP[np.arange(graph.size), plan.processor_N])
    if unable_N.any():
        task = int(unable_N.argmax())
        raise _invalid(
            f"processor: expected one on which task {task} takes a finite time, found {plan.processor_N[task]}"
        )


def _check_order(graph: TaskGraph, plan: Plan) -> None:
    place_N = np.full(graph.size, -1, dtype=np.int64)
    inside_N = (plan.order_N >= 0) & (plan.order_N < graph.size)
    place_N[plan.order_N[inside_N]] = np.flatnonzero(inside_N)
    if (place_N < 0).any():
        raise _invalid(
            f"order: expected every task from 0 to {graph.size - 1} once, found none of task {int(place_N.argmin())}"
        )
    early_E = place_N[graph.sources_E] > place_N[graph.targets_E]
    if early_E.any():
        edge = int(early_E.argmax())
        raise _invalid(
            f"order: expected task {graph.sources_E[edge]} before task {graph.targets_E[edge]}, which needs its data, "
            "found it behind"
        )


def _invalid(sentence: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, sentence)
