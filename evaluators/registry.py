"""Task name to problem, imported only when asked for; third parties add theirs by the entry point `evenkeel.tasks`."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from importlib import metadata
from typing import cast

from evaluators.contract import ContractError
from evaluators.problem import Problem

# name -> "module:attribute" of a `Problem`
BUILT_IN: Mapping[str, str] = {
    "circle_packing": "evaluators.packing.circle_packing.task:PROBLEM",
    "expert_replication": "evaluators.placement.expert_replication.task:PROBLEM",
    "job_shop": "evaluators.scheduling.job_shop.task:PROBLEM",
    "llm_serving": "evaluators.scheduling.llm_serving.task:PROBLEM",
    "spot_deadline": "evaluators.scheduling.spot_deadline.task:PROBLEM",
    "toy": "evaluators.toy:PROBLEM",
}


def task_names() -> tuple[str, ...]:
    """Every task that can be run here, sorted; nothing is imported."""
    return tuple(sorted({*BUILT_IN, *(entry.name for entry in _entry_points())}))


def problem(name: str) -> Problem:
    """The task `name` with default parameters.

    Raises:
        ContractError: No such task; the nearest name is given. Or a third-party task that does not import.
    """
    address = BUILT_IN.get(name) or next((e.value for e in _entry_points() if e.name == name), None)
    if address is None:
        raise ContractError(f"there is no task {name!r}{did_you_mean(name, task_names())}; see `evolve tasks`")
    module, _, attribute = address.partition(":")
    try:
        return cast(Problem, vars(importlib.import_module(module))[attribute])
    except (ImportError, KeyError) as error:
        raise ContractError(f"task {name!r} is registered as {address} but cannot be loaded: {error}") from error


def did_you_mean(word: str, known: tuple[str, ...]) -> str:
    """``; did you mean 'x'?`` for the nearest known word, or the list of them."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"


def _entry_points() -> metadata.EntryPoints:
    return metadata.entry_points(group="evenkeel.tasks")
