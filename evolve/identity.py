"""From an archived task identity back to the problem that it names."""

from __future__ import annotations

import json

from archive.store import Archive
from evaluators import registry
from evaluators.contract import ContractError
from evaluators.problem import Problem
from evolve.errors import EvolveError


class LostTaskError(EvolveError):
    """Archived scores of a task that this software cannot make again."""


def problem_of(archive: Archive, task: str, identity: str) -> Problem:
    """The problem whose task has this `identity`: with default parameters, or with those of an archived run.

    Raises:
        LostTaskError: The parameters are not archived, a file they name has changed, or the task's revision has.
    """
    default = _found(_address(archive, task, identity))
    if default.task.identity == identity:
        return default
    for run in archive.runs():
        if run.task_identity == identity:
            return _configured(default, task, identity, dict(run.parameters))
    raise LostTaskError(
        f"no archived run tells the parameters of {task} {identity} (this software's {task} with default parameters is "
        f"{default.task.identity}); say them with --task and --set"
    )


def _address(archive: Archive, task: str, identity: str) -> str:
    """Where the task is: its name, or the folder that a run started from, a run of this very identity first."""
    runs = [run for run in reversed(archive.runs()) if run.task == task]
    runs.sort(key=lambda run: run.task_identity != identity)
    return str(json.loads(runs[0].config)["task"]) if runs else task


def _found(address: str) -> Problem:
    try:
        return registry.problem(address)
    except ContractError as error:
        raise LostTaskError(str(error)) from error


def _configured(default: Problem, task: str, identity: str, parameters: dict[str, float | int | str]) -> Problem:
    try:
        problem = default.configured(parameters)
    except ContractError as error:
        raise LostTaskError(f"{task} {identity} cannot be set up again: {error}") from error
    if problem.task.identity != identity:
        raise LostTaskError(
            f"{task} {identity} was made with another revision of the task or other files; with the same parameters "
            f"this software has {problem.task.identity}, so the scores do not compare"
        )
    return problem
