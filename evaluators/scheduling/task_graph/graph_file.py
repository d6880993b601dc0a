"""Graphs as JSON.

``{"tasks": {NAME: TIME, ...}, "edges": [[FROM, TO, BYTES], ...]}``. A time is a number of microseconds, and processors
are drawn as the settings say; or it is a list with a number for each processor, null where the task cannot run, and
``"latency_us"`` and ``"gb_s"`` tell of the links: a number for all pairs, or a list of lists, from row to column.
``"kinds": {NAME: KIND}`` tells which tasks are alike, for platforms on which that matters.

Shapes: N tasks, P processors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluators.contract import ContractError
from evaluators.scheduling.task_graph.graph import Floats, Network
from evaluators.scheduling.task_graph.parameters import MOST_PROCESSORS, MOST_TASKS
from evaluators.scheduling.task_graph.shapes import Outline
from evaluators.user_file import parsed_json

MOST_BYTES = 16 << 20  # of a file
LEAST_US, MOST_US = 1e-3, 1e12
MOST_DATA = 1e15
LEAST_GB_S, MOST_GB_S = 1e-6, 1e6
KEYS = ("tasks", "edges", "kinds", "latency_us", "gb_s")

Content = Mapping[str, object]
Edge = tuple[str, str, float]


def parsed(text: str, where: str) -> Content:
    """The object in a text.

    Raises:
        ContractError: It is no JSON object with tasks and edges.
    """
    content = parsed_json(text, where, "JSON or STG")
    if not isinstance(content, dict):
        raise ContractError(f"{where}: expected an object with tasks and edges, found {type(content).__name__}")
    unknown = [key for key in content if key not in KEYS]
    if unknown:
        raise ContractError(f"{where}: expected the keys {', '.join(KEYS)}, found {unknown[0]!r:.40}")
    return content


def outline_from_json(content: Content, where: str) -> tuple[Outline, Sequence[str]]:
    """The graph, and the names of its tasks in its order.

    Raises:
        ContractError: Says which task or edge departs from the form, or which tasks need each other in a circle.
    """
    tasks = content.get("tasks")
    if not isinstance(tasks, dict) or not 2 <= len(tasks) <= MOST_TASKS:
        found = f"{len(tasks)}" if isinstance(tasks, dict) else type(tasks).__name__
        raise ContractError(f"{where}: tasks: expected an object with 2 to {MOST_TASKS} tasks, found {found}")
    kinds = content.get("kinds", {})
    if not isinstance(kinds, dict) or not all(isinstance(kind, str) for kind in kinds.values()):
        raise ContractError(f"{where}: kinds: expected an object with a text for each task that has a kind")
    edges = _edges(content.get("edges"), tasks, where)
    order = in_order_of_need(list(tasks), edges, where)
    number = {name: place for place, name in enumerate(order)}
    outline = Outline(
        kinds=[kinds.get(name, "") for name in order],
        work=[_work(tasks[name], f"{where}: task {name!r}") for name in order],
        edges=[(number[source], number[target], data) for source, target, data in edges],
    )
    return outline, order


def processors_from_json(content: Content, order: Sequence[str], where: str) -> tuple[Floats, Network] | None:
    """``(N, P)`` times of the tasks in `order`, and the links; None if the file leaves processors to the settings.

    Raises:
        ContractError: Some tasks have a time for each processor and others not, or links are missing or malformed.
    """
    tasks = content["tasks"]
    assert isinstance(tasks, dict)
    listed = [name for name in order if isinstance(tasks[name], list)]
    links = [key for key in ("latency_us", "gb_s") if key in content]
    if not listed:
        if links:
            raise ContractError(f"{where}: {links[0]}: expected only where tasks have a time for each processor")
        return None
    if len(listed) < len(order):
        other = next(name for name in order if name not in set(listed))
        raise ContractError(f"{where}: task {other!r}: expected a list of times, as task {listed[0]!r} has")
    counts = {len(tasks[name]) for name in order}
    count = len(tasks[order[0]])
    if len(counts) > 1 or not 2 <= count <= MOST_PROCESSORS:
        found = ", ".join(map(str, sorted(counts)))
        raise ContractError(f"{where}: expected as many times for each task, 2 to {MOST_PROCESSORS}, found {found}")
    times_NP = np.array(
        [[np.inf if time is None else float(time) for time in tasks[name]] for name in order], dtype=np.float64
    )
    latency_PP = _links(content, "latency_us", count, (0.0, MOST_US), where)
    gb_s_PP = _links(content, "gb_s", count, (LEAST_GB_S, MOST_GB_S), where)
    apart_PP = 1.0 - np.eye(count)
    return times_NP, Network(latency_PP * apart_PP, apart_PP / (gb_s_PP * 1e3))


def in_order_of_need(names: Sequence[str], edges: Sequence[Edge], where: str) -> list[str]:
    """The names, each behind those that it needs.

    Raises:
        ContractError: Some need each other in a circle; one of them is named.
    """
    waits = dict.fromkeys(names, 0)
    after: dict[str, list[str]] = {name: [] for name in names}
    for source, target, _ in edges:
        waits[target] += 1
        after[source].append(target)
    order = [name for name in names if not waits[name]]
    for name in order:  # grows
        for target in after[name]:
            waits[target] -= 1
            if not waits[target]:
                order.append(target)
    if len(order) < len(names):
        left = next(name for name in names if waits[name])
        raise ContractError(f"{where}: expected no circle of edges, found one through or before task {left!r}")
    return order


def _edges(rows: object, tasks: Mapping[str, object], where: str) -> list[Edge]:
    if not isinstance(rows, list):
        raise ContractError(f"{where}: edges: expected a list of [FROM, TO, BYTES], found {type(rows).__name__}")
    found: dict[tuple[str, str], float] = {}
    for place, row in enumerate(rows):
        at = f"{where}: edge {place}"
        if not isinstance(row, list) or len(row) != 3 or not all(isinstance(name, str) for name in row[:2]):
            raise ContractError(f"{at}: expected [FROM, TO, BYTES], found {str(row)[:60]}")
        source, target, data = row
        for name in (source, target):
            if name not in tasks:
                raise ContractError(f"{at}: expected the name of a task, found {name!r:.40}")
        if source == target or (source, target) in found:
            raise ContractError(f"{at}: expected each pair of different tasks once, found {source!r} to {target!r}")
        found[source, target] = number_in(data, 0.0, MOST_DATA, f"{at}: bytes")
    return [(source, target, data) for (source, target), data in found.items()]


def _work(time: object, where: str) -> float:
    """The time of a task; of several, the mean of those that are told."""
    if not isinstance(time, list):
        return number_in(time, LEAST_US, MOST_US, where)
    told = [
        number_in(one, LEAST_US, MOST_US, f"{where}, processor {p}") for p, one in enumerate(time) if one is not None
    ]
    if not told:
        raise ContractError(f"{where}: expected a processor on which it can run, found none")
    return float(np.mean(told))


def _links(content: Content, key: str, count: int, limits: tuple[float, float], where: str) -> Floats:
    told = content.get(key)
    if not isinstance(told, list):
        return np.full((count, count), number_in(told, *limits, f"{where}: {key}"))
    if len(told) != count or any(not isinstance(row, list) or len(row) != count for row in told):
        raise ContractError(f"{where}: {key}: expected a number, or {count} lists of {count} numbers")
    return np.array(
        [
            [1.0 if p == q else number_in(entry, *limits, f"{where}: {key}, {p} to {q}") for q, entry in enumerate(row)]
            for p, row in enumerate(told)
        ]
    )


def number_in(value: object, low: float, high: float, where: str) -> float:
    """The number.

    Raises:
        ContractError: It is none, or outside the limits.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ContractError(f"{where}: expected a number from {low:g} to {high:g}, found {str(value)[:40]}")
    return float(value)
