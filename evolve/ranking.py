"""The ranking as a user asks for it: a task by its name, and the parameters that old archives do not tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from archive.leaderboard import leaderboard, scored_tasks
from archive.records import LeaderboardRow
from archive.store import Archive
from evaluators import registry
from evaluators.contract import ContractError, ParameterValue, Task
from evolve.errors import RunError


def ranking(archive: Archive, task: str | None = None) -> list[LeaderboardRow]:
    """The leaderboard of `task`, or of every task; empty where nothing at all has been scored.

    Raises:
        RunError: There is no such task, or nothing of it in this archive, which holds others.
    """
    if task is not None:
        _require(task, scored_tasks(archive))
    rows = leaderboard(archive, task)
    return [replace(row, parameters=_parameters(row)) if row.parameters is None else row for row in rows]


def _require(task: str, held: list[str]) -> None:
    """That `task` is one of the archive's, or could be."""
    known = tuple(sorted({*held, *registry.task_names()}))
    if task not in known:
        raise RunError(f"there is no task {task!r}{registry.did_you_mean(task, known)}")
    if held and task not in held:
        raise RunError(f"nothing of the task {task} is scored in this archive; it holds {', '.join(held)}")


def _parameters(row: LeaderboardRow) -> Mapping[str, ParameterValue] | None:
    """Those of a program scored by hand before parameters were archived, if they are the task's defaults."""
    default = _default(row.task)
    return default.parameters if default is not None and default.identity == row.task_identity else None


@cache
def _default(name: str) -> Task | None:
    """The task as it is unless told otherwise; None for one in a folder, or of a package that is not here."""
    try:
        return registry.problem(name).task
    except ContractError:
        return None
