"""Task name or folder to problem, imported only when asked for; packages publish theirs as `evenkeel.tasks`."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import cast

from evaluators.contract import ContractError
from evaluators.folder_task import folder_problem, import_error, is_problem
from evaluators.problem import Problem

# name -> "module:attribute" of a `Problem`
BUILT_IN: Mapping[str, str] = {
    "broadcast": "evaluators.scheduling.broadcast.task:PROBLEM",
    "circle_packing": "evaluators.packing.circle_packing.task:PROBLEM",
    "cluster_balance": "evaluators.scheduling.cluster_balance.task:PROBLEM",
    "expert_replication": "evaluators.placement.expert_replication.task:PROBLEM",
    "expert_topology": "evaluators.placement.expert_topology.task:PROBLEM",
    "job_shop": "evaluators.scheduling.job_shop.task:PROBLEM",
    "llm_serving": "evaluators.scheduling.llm_serving.task:PROBLEM",
    "model_packing": "evaluators.placement.model_packing.task:PROBLEM",
    "moe_kernel": "evaluators.kernels.moe_kernel.task:PROBLEM",
    "moe_loss": "evaluators.balancing.moe_loss.task:PROBLEM",
    "pipeline_layout": "evaluators.placement.pipeline_layout.task:PROBLEM",
    "pipeline_schedule": "evaluators.scheduling.pipeline_schedule.task:PROBLEM",
    "sequence_split": "evaluators.scheduling.sequence_split.task:PROBLEM",
    "spot_deadline": "evaluators.scheduling.spot_deadline.task:PROBLEM",
    "table_reorder": "evaluators.scheduling.table_reorder.task:PROBLEM",
    "task_graph": "evaluators.scheduling.task_graph.task:PROBLEM",
    "tier_cache": "evaluators.placement.tier_cache.task:PROBLEM",
    "toy": "evaluators.toy:PROBLEM",
    "transaction_order": "evaluators.scheduling.transaction_order.task:PROBLEM",
}


def task_names() -> tuple[str, ...]:
    """Every task that can be run by name, sorted; nothing is imported."""
    return tuple(sorted({*BUILT_IN, *(entry.name for entry in _entry_points())}))


def problem(address: str) -> Problem:
    """The task with default parameters that `address` names: a task's name, or the path of its folder.

    Raises:
        ContractError: No such task; the nearest name is given. Or a task of somebody else's that cannot be loaded.
    """
    if is_folder(address):
        return folder_problem(address, frozenset(BUILT_IN))
    if address in BUILT_IN:
        return _built_in(address)
    entry = _published(address)
    if entry is None:
        raise ContractError(f"there is no task {address!r}{_hint(address)}; see `evolve tasks`")
    return _loaded(entry)


def is_folder(address: str) -> bool:
    """Whether `address` is a path and not a task's name: it has a separator, or a dot in front."""
    return "/" in address or address.startswith((".", "~"))


def published_package(name: str) -> str | None:
    """The package whose entry point publishes the task `name`; None for tasks that are built in, or unknown."""
    entry = None if name in BUILT_IN else _published(name)
    return entry.module.partition(".")[0] if entry else None


def did_you_mean(word: str, known: tuple[str, ...]) -> str:
    """``; did you mean 'x'?`` for the nearest known word, or the list of them."""
    return nearest(word, known) or f"; there are {', '.join(known)}"


def nearest(word: str, known: Sequence[str]) -> str:
    """``; did you mean 'x'?`` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _built_in(name: str) -> Problem:
    module, _, attribute = BUILT_IN[name].partition(":")
    try:
        return cast(Problem, vars(importlib.import_module(module))[attribute])
    except ImportError as error:
        raise ContractError(f"task {name!r} cannot be loaded: {error}; is an extra of Evenkeel missing?") from error


def _hint(word: str) -> str:
    if Path(word).is_dir():
        return f", but there is a folder of that name here: say ./{word}"
    return did_you_mean(word, task_names())


def _entry_points() -> metadata.EntryPoints:
    return metadata.entry_points(group="evenkeel.tasks")


def _published(name: str) -> metadata.EntryPoint | None:
    """The entry point called `name`.

    Raises:
        ContractError: Several packages publish a task of that name.
    """
    found = {entry.value: entry for entry in _entry_points() if entry.name == name}
    if len(found) > 1:
        raise ContractError(f"several packages publish a task {name!r}: {', '.join(found)}; uninstall all but one")
    return next(iter(found.values()), None)


def _loaded(entry: metadata.EntryPoint) -> Problem:
    """The problem that a package publishes.

    Raises:
        ContractError: It does not import, is no problem, or calls itself otherwise than its entry point.
    """
    where = f"task {entry.name!r} is published as {entry.value}"
    try:
        found = entry.load()
    except Exception as error:
        raise ContractError(f"{where} but cannot be loaded: {import_error(error)}") from error
    if not is_problem(found):
        raise ContractError(f"{where}, which is no Problem but {type(found).__name__}")
    published = cast(Problem, found)
    if published.task.name != entry.name:
        raise ContractError(f"{where}, but calls itself {published.task.name!r}: give both the same name")
    return published
