"""A task in a folder of the user's: ``task.py`` with a `PROBLEM`, or an evaluator of the public form.

The folder's code is trusted like ours and runs in the controller and in the workers. Programs are not, and their
children can read nothing of it.
"""

from __future__ import annotations

import importlib
import sys
import traceback
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from evaluators.contract import (
    ContractError,
    EvaluatorError,
    InstanceResult,
    ParameterValue,
    Picture,
    Split,
    Task,
    Tier,
)
from evaluators.folder_files import absolute, code_files, digest
from evaluators.problem import Instance, Problem
from evaluators.seeding import SeedSource

TASK_FILE = "task.py"
EVALUATOR_FILE = "evaluator.py"
_PROBLEM_PARTS = ("task", "configured", "instances", "feedback", "pictures")


@dataclass(frozen=True, slots=True)
class FolderProblem:
    """A problem that knows the folder it came from, so that workers find it and an edit is another task."""

    inner: Problem
    folder: Path
    code: str

    @property
    def task(self) -> Task:
        """The folder's task, with its address and the digest of its code."""
        return replace(self.inner.task, folder=str(self.folder), code=self.code)

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> FolderProblem:
        """The folder's problem with these settings.

        Raises:
            ContractError: The settings are refused, or the folder's code fails on them; says in which line.
        """
        try:
            return replace(self, inner=self.inner.configured(settings))
        except EvaluatorError:
            raise
        except Exception as error:
            raise ContractError(
                f"{self.folder / TASK_FILE} fails on its settings: {import_error(error, self.folder)}"
            ) from error

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Instance]:
        """The folder's instances.

        Raises:
            ContractError: The folder's code fails, says in which line; or there are none, or two of one name.
        """
        try:
            found = tuple(self.inner.instances(tier, split, seeds))
            names = [instance.name for instance in found]
        except EvaluatorError:
            raise
        except Exception as error:
            raise ContractError(
                f"{self.folder / TASK_FILE} fails to draw them: {import_error(error, self.folder)}"
            ) from error
        twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if twice is not None or not found:
            raise ContractError(
                f"{self.folder / TASK_FILE}: expected instances with different names, on which comparisons are paired, "
                f"found {'none' if twice is None else f'{twice!r} twice'}"
            )
        return found

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """The folder's feedback.

        Raises:
            ContractError: It is no text.
        """
        told: object = self.inner.feedback(results)
        if not isinstance(told, str):
            raise ContractError(f"{self.folder / TASK_FILE}: feedback must return text, found {type(told).__name__}")
        return told

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """The folder's pictures.

        Raises:
            ContractError: They are none, but something else.
        """
        drawn: object = self.inner.pictures(results)
        if not isinstance(drawn, list | tuple) or not all(isinstance(picture, Picture) for picture in drawn):
            raise ContractError(
                f"{self.folder / TASK_FILE}: pictures must return a tuple of Picture, or (), found {drawn!r:.60}"
            )
        return tuple(drawn)


def folder_problem(word: str, taken: frozenset[str]) -> Problem:
    """The task in the folder `word`.

    Args:
        word: A path, absolute or from here.
        taken: Names of the built-in tasks.

    Raises:
        ContractError: No such folder, no task in it, code that does not import, no `PROBLEM`, a `Task` that contradicts
            itself, or a name that is taken.
    """
    folder = absolute(word)
    _require_folder(folder, word)
    if (folder / TASK_FILE).is_file():
        code = digest(code_files(folder))
        problem: Problem = FolderProblem(_loaded(folder, code), folder, code)
    elif (folder / EVALUATOR_FILE).is_file():
        from evaluators.adapters.public_form import public_problem

        problem = public_problem(folder)
    else:
        raise ContractError(
            f"{folder} is no task: expected {TASK_FILE} with a PROBLEM (`evolve new-task` makes one) or "
            f"{EVALUATOR_FILE} with evaluate(program_path)"
        )
    if problem.task.name in taken:
        raise ContractError(
            f"the task in {folder} calls itself {problem.task.name!r}, but Evenkeel has a task of that name: rename it"
        )
    return problem


def is_problem(found: object) -> bool:
    """Whether `found` has the parts of a `Problem`."""
    return all(part in dir(found) for part in _PROBLEM_PARTS)


def import_error(error: Exception, where: Path | None = None) -> str:
    """What went wrong while importing code of the user's, and in which line of `where`."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) or where is None:
        return text
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(where))]
    return f"{text} ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else text


def _require_folder(folder: Path, word: str) -> None:
    if not folder.exists():
        raise ContractError(f"there is no folder {word}; `evolve new-task {folder.name}` makes one")
    if not folder.is_dir():
        raise ContractError(f"expected the folder of a task, found the file {word}: say its folder, {folder.parent}")


def _loaded(folder: Path, code: str) -> Problem:
    """The folder's `PROBLEM`, its modules under a name of their own, so that no two folders or versions meet."""
    package = f"evenkeel_folder_{digest({str(folder): b''})}_{code}"
    parent = types.ModuleType(package)
    parent.__path__ = [str(folder)]
    sys.modules.setdefault(package, parent)
    try:
        module = importlib.import_module(f"{package}.task")
    except Exception as error:
        raise ContractError(f"{folder / TASK_FILE} cannot be imported: {_helped(error, folder)}") from error
    found = vars(module).get("PROBLEM")
    if found is None:
        raise ContractError(f"{folder / TASK_FILE} defines no PROBLEM: end it with PROBLEM = YourProblem()")
    if not is_problem(found) or not isinstance(cast(Problem, found).task, Task):
        raise ContractError(
            f"PROBLEM in {folder / TASK_FILE} must be an object with {', '.join(_PROBLEM_PARTS)} (see "
            f"evaluators/problem.py), found {type(found).__name__}"
        )
    problem = cast(Problem, found)
    if fault := _misdeclared(problem.task):
        raise ContractError(f"the Task in {folder / TASK_FILE} contradicts itself: {fault}")
    return problem


def _misdeclared(task: Task) -> str:
    """What in it is named and not there; empty if nothing is."""
    metrics = [spec.name for spec in task.metrics]
    named = {
        "objective": (task.objective,),
        "descriptors": tuple(axis.metric for axis in task.descriptors),
        "trade_offs": task.trade_offs,
    }
    for where, names in named.items():
        if unknown := [name for name in names if name not in metrics]:
            return f"{where}: expected among the metrics {', '.join(metrics)}, found {unknown[0]}"
    without = [tier for tier in Tier if tier not in task.limits]
    return f"limits: expected some for every tier, found none for {', '.join(without)}" if without else ""


def _helped(error: Exception, folder: Path) -> str:
    """The error, with the remedy where a file of the folder was imported as if it were installed."""
    missing = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    text = import_error(error, folder)
    if missing and (folder / f"{missing}.py").is_file():
        return f"{text}; {missing}.py is in the folder itself: write `from .{missing} import ...`"
    return text
