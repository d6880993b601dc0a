"""Graphs in the format of the Standard Task Graph Set (Tobita and Kasahara, J. Scheduling 5, 2002).

The first line holds the number of tasks without the empty first and last one; then each line a task: its number, its
time, how many tasks it needs, and their numbers. Lines that begin with # are comments. Edges carry one byte each: their
transfers are as long as the settings say.
"""

from __future__ import annotations

from evaluators.contract import ContractError
from evaluators.scheduling.task_graph.graph_file import MOST_US, Edge, in_order_of_need, number_in
from evaluators.scheduling.task_graph.parameters import MOST_TASKS
from evaluators.scheduling.task_graph.shapes import Outline


def outline_from_stg(text: str, where: str) -> Outline:
    """The graph, without tasks that take no time and begin or end it.

    Raises:
        ContractError: Says which line departs from the form, and how.
    """
    lines = [
        (place, words) for place, line in enumerate(text.splitlines(), 1) if (words := line.partition("#")[0].split())
    ]
    if not lines or len(lines[0][1]) != 1:
        raise ContractError(f"{where}: expected JSON, or STG with the number of tasks alone on its first line")
    count = _whole(lines[0][1][0], f"{where}: line {lines[0][0]}")
    tasks: dict[str, float] = {}
    edges: list[Edge] = []
    for place, words in lines[1:]:
        name, time, needs = _task(words, f"{where}: line {place}")
        if name in tasks:
            raise ContractError(f"{where}: line {place}: expected each task once, found {name} again")
        if unknown := [need for need in needs if need not in tasks]:
            raise ContractError(f"{where}: line {place}: expected needed tasks on lines before, found {unknown[0]}")
        tasks[name] = time
        edges += [(need, name, 1.0) for need in dict.fromkeys(needs)]
    if len(tasks) not in (count, count + 2):
        raise ContractError(
            f"{where}: expected {count} tasks, or {count + 2} with an empty first and last, found {len(tasks)}"
        )
    return _outline(tasks, edges, where)


def _outline(tasks: dict[str, float], edges: list[Edge], where: str) -> Outline:
    sources, targets = {source for source, _, _ in edges}, {target for _, target, _ in edges}
    empty = {name for name, time in tasks.items() if not time}
    inner = sorted(empty & sources & targets)
    if inner:
        raise ContractError(
            f"{where}: task {inner[0]}: expected a time above 0 but for the first and last task, found 0"
        )
    names = [name for name in tasks if name not in empty]
    if not 2 <= len(names) <= MOST_TASKS:
        raise ContractError(f"{where}: expected 2 to {MOST_TASKS} tasks that take time, found {len(names)}")
    kept = [edge for edge in edges if edge[0] not in empty and edge[1] not in empty]
    order = in_order_of_need(names, kept, where)
    number = {name: place for place, name in enumerate(order)}
    return Outline(
        kinds=[""] * len(order),
        work=[tasks[name] for name in order],
        edges=[(number[source], number[target], data) for source, target, data in kept],
    )


def _task(words: list[str], where: str) -> tuple[str, float, list[str]]:
    if len(words) < 3:
        raise ContractError(f"{where}: expected NUMBER TIME COUNT NEEDED..., found {' '.join(words)[:60]}")
    _whole(words[0], where)
    count = _whole(words[2], where)
    if len(words) != 3 + count:
        raise ContractError(f"{where}: expected the numbers of {count} needed tasks, found {len(words) - 3}")
    for word in words[3:]:
        _whole(word, where)
    return words[0], number_in(_whole(words[1], where), 0, MOST_US, where), words[3:]


def _whole(word: str, where: str) -> int:
    if not (word.isascii() and word.isdigit()) or len(word) > 15:
        raise ContractError(f"{where}: expected a whole number, found {word[:40]!r}")
    return int(word)
