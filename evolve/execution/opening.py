"""Workers for as long as a block lasts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec

from evaluators.contract import Split, Task, Tier
from evaluators.problem import Problem
from evaluators.protocol import Hello
from evaluators.sandbox.container import container_for
from evaluators.sandbox.errors import SandboxError
from evolve.errors import BackendError
from evolve.execution.local import WORKER, LocalBackend

_IN_TORCH_EXTRA = frozenset({"torch", "triton"})
IMAGE = "EVENKEEL_WORKER_IMAGE"  # environment variable: a container image with this package at this revision


def require_libraries(task: Task) -> None:
    """That what the task's workers import is installed, before anything is created; an image has its own.

    Raises:
        BackendError: It is not.
    """
    missing = [name for name in task.libraries if find_spec(name.partition(".")[0]) is None]
    if missing and not os.environ.get(IMAGE):
        extra = ": pip install 'evenkeel[torch]'" if set(missing) <= _IN_TORCH_EXTRA else ""
        raise BackendError(f"the task {task.name} needs {' and '.join(missing)}, not installed here{extra}")


@asynccontextmanager
async def local_backend(
    problem: Problem,
    secrets: Mapping[Split, str],
    slots: int,
    *,
    allow_unsafe: bool,
    drawn: tuple[tuple[Tier, Split], ...] = (),
) -> AsyncIterator[LocalBackend]:
    """`slots` workers on this machine, gone at the end of the block; in containers where an `IMAGE` is named.

    Raises:
        BackendError: One of them cannot start, or the instances to be `drawn` at once cannot be; none is left behind.
        SandboxError: An image is named, but there is no container engine.
    """
    task = problem.task
    hello = Hello(
        task=task.address, parameters=task.parameters, secrets=secrets, allow_unsafe=allow_unsafe, drawn=drawn
    )
    command = worker_command(problem, os.environ.get(IMAGE, ""))
    backend = await LocalBackend.start(hello, slots, evaluation_timeout_s(problem), command)
    try:
        yield backend
    finally:
        await backend.close()


def worker_command(problem: Problem, image: str) -> Sequence[str]:
    """What starts one worker: this Python, or a container of `image` where one is named.

    Raises:
        SandboxError: An image is named, but there is no container engine, or the task is in no image.
    """
    if not image:
        return WORKER
    if problem.task.folder:
        raise SandboxError(
            f"{IMAGE} asks for workers in containers, which cannot see the folder {problem.task.folder}: install the "
            "task into the image and run it by its name"
        )
    largest = max(problem.task.limits.values(), key=lambda limits: limits.memory_bytes)
    return container_for(largest, image).command()


def evaluation_timeout_s(problem: Problem) -> float:
    """A wall-clock bound on any one evaluation: all instances at their limit, and time to build the workload."""
    return 120 + 100 * max(limits.wall_s for limits in problem.task.limits.values())
