"""Workers for as long as a block lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from evaluators.contract import Split
from evaluators.problem import Problem
from evaluators.protocol import Hello
from evolve.execution.local import LocalBackend


@asynccontextmanager
async def local_backend(
    problem: Problem, secrets: Mapping[Split, str], slots: int, *, allow_unsafe: bool
) -> AsyncIterator[LocalBackend]:
    """`slots` workers on this machine, gone at the end of the block.

    Raises:
        BackendError: One of them cannot start; none is left behind.
    """
    task = problem.task
    hello = Hello(task=task.name, parameters=task.parameters, secrets=secrets, allow_unsafe=allow_unsafe)
    backend = await LocalBackend.start(hello, slots, evaluation_timeout_s(problem))
    try:
        yield backend
    finally:
        await backend.close()


def evaluation_timeout_s(problem: Problem) -> float:
    """A wall-clock bound on any one evaluation: all instances at their limit, and time to build the workload."""
    return 120 + 100 * max(limits.wall_s for limits in problem.task.limits.values())
