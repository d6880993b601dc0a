"""Evaluations in worker processes on this machine."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from evaluators import protocol
from evaluators.contract import ContractError, Environment, Evaluation, Outcome
from evolve.errors import BackendError

MAX_TRIES = 3  # of one evaluation that fails for reasons of the infrastructure
WORKER = (sys.executable, "-m", "evaluators.worker")
_START_TIMEOUT_S = 120.0  # a cold start imports the task's libraries and self-tests the sandbox
_END_S = 10.0  # for a killed process to be gone; one that waits for a device may never be
T = TypeVar("T")


class WorkerDied(Exception):  # noqa: N818 - an event that `LocalBackend` answers with a new worker
    """The worker's pipe closed, spoke nonsense or went silent."""


class Worker:
    """One worker process; answers one request at a time."""

    def __init__(self, process: Process, ready: protocol.Ready) -> None:
        self._process = process
        self.ready = ready

    @classmethod
    async def start(cls, hello: protocol.Hello, command: Sequence[str], timeout_s: float = _START_TIMEOUT_S) -> Worker:
        """A worker started by `command` that has said it is ready.

        Raises:
            BackendError: It says it cannot, or dies before it has said anything.
        """
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, start_new_session=True)
        worker = cls(process, protocol.Ready())
        try:
            worker.ready = await worker._exchange(hello, protocol.Ready, timeout_s)
        except WorkerDied as death:
            await worker.kill()
            raise BackendError(f"an evaluation worker did not start: {death}") from death
        except asyncio.CancelledError:
            await worker.kill()
            raise
        if worker.ready.error:
            await worker.kill()
            raise BackendError(worker.ready.error)
        return worker

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.returncode is not None

    async def evaluate(self, request: protocol.EvaluateRequest, timeout_s: float) -> protocol.EvaluateReply:
        """The reply to one request; a worker whose wait was cancelled must not be asked again.

        Raises:
            WorkerDied: No reply will come.
        """
        return await self._exchange(request, protocol.EvaluateReply, timeout_s)

    async def kill(self) -> None:
        """End the process and all it started; returns when it is gone, or cannot be waited for any longer.

        Nothing ends a process that the kernel holds in a call to a device, and asyncio waits for open pipes too.
        """
        if self._process.returncode is None:
            self._process.kill()
        try:
            async with asyncio.timeout(_END_S):
                await self._process.wait()
        except TimeoutError:
            self._process._transport.close()  # type: ignore[attr-defined]  # else its pipes outlive the loop

    async def _exchange(self, message: object, kind: type[T], timeout_s: float) -> T:
        """Send and receive once.

        The request is written whole before the reply is read: the worker reads all the time, so neither side can
        wait for the other.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._write(protocol.encode(message))
                return await self._read(kind)
        except (TimeoutError, asyncio.IncompleteReadError, OSError, ContractError) as error:
            raise WorkerDied(f"{type(error).__name__} {error}".strip()) from error

    async def _write(self, data: bytes) -> None:
        if self._process.stdin is None:
            raise WorkerDied("the worker has no input pipe")
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def _read(self, kind: type[T]) -> T:
        if self._process.stdout is None:
            raise WorkerDied("the worker has no output pipe")
        prefix = await self._process.stdout.readexactly(protocol.PREFIX.size)
        return protocol.decode(kind, await self._process.stdout.readexactly(protocol.body_length(prefix)))


class LocalBackend:
    """A fixed number of workers; a dead one is replaced, its evaluation retried."""

    def __init__(
        self,
        hello: protocol.Hello,
        workers: list[Worker],
        environment: Environment,
        timeout_s: float,
        command: Sequence[str],
    ) -> None:
        self._hello = hello
        self._workers = workers
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        for worker in workers:
            self._idle.put_nowait(worker)
        self._environment = environment
        self._timeout_s = timeout_s
        self._command = command

    @classmethod
    async def start(
        cls, hello: protocol.Hello, slots: int, timeout_s: float, command: Sequence[str] = WORKER
    ) -> LocalBackend:
        """`slots` workers, all ready; `timeout_s` bounds one evaluation with a wide margin.

        `command` starts one worker: a process of ours, or a container (`evaluators.sandbox.container`).

        Raises:
            BackendError: One of them cannot start; none is left behind.
        """
        # alone, so that what nothing can run here is said once
        first = await Worker.start(hello, command, _START_TIMEOUT_S + len(hello.drawn) * timeout_s)
        hello = replace(hello, drawn=())
        started = await asyncio.gather(
            *(Worker.start(hello, command) for _ in range(slots - 1)), return_exceptions=True
        )
        workers = [first, *(worker for worker in started if isinstance(worker, Worker))]
        failure = next((result for result in started if isinstance(result, BaseException)), None)
        if failure is not None or first.ready.environment is None:
            await asyncio.gather(*(worker.kill() for worker in workers))
            raise BackendError(f"only {len(workers)} of {slots} evaluation workers started: {failure}") from failure
        return cls(hello, workers, first.ready.environment, timeout_s, command)

    @property
    def slots(self) -> int:
        """How many evaluations run at once."""
        return len(self._workers)

    @property
    def environment(self) -> Environment:
        """The machine, with the sandbox layers that the first worker reported."""
        return self._environment

    @property
    def environment_class(self) -> str:
        """The label within which scores of these workers compare."""
        return self._workers[0].ready.environment_class

    async def evaluate(self, request: protocol.EvaluateRequest) -> Evaluation:
        """See `EvaluationBackend.evaluate`."""
        evaluation = self._lost(request)
        for _ in range(MAX_TRIES):
            reply = await self._try_once(request)
            if reply is None:
                continue
            if reply.evaluation is None:
                raise BackendError(f"an evaluation worker refused a request: {reply.error}")
            evaluation = reply.evaluation
            if evaluation.outcome is not Outcome.INFRASTRUCTURE:
                break
            request = replace(request, second_try=True)
        return evaluation

    async def close(self) -> None:
        """Kill every worker; their zygotes and children die with them."""
        await asyncio.gather(*(worker.kill() for worker in self._workers))

    async def _try_once(self, request: protocol.EvaluateRequest) -> protocol.EvaluateReply | None:
        """One try on an idle worker; None if the worker died, in which case another has taken its place."""
        worker = await self._idle.get()
        try:
            if worker.has_ended:
                worker = await self._replace(worker)
            return await worker.evaluate(request, self._timeout_s)
        except WorkerDied:
            worker = await self._replace(worker)
            return None
        except asyncio.CancelledError:
            await worker.kill()  # its reply would be taken for that to the next request; replaced when it is wanted
            raise
        finally:
            self._idle.put_nowait(worker)

    def _lost(self, request: protocol.EvaluateRequest) -> Evaluation:
        """What is known of an evaluation whose workers all died: that it failed, not why; they may have printed it."""
        return Evaluation(
            task=self._workers[0].ready.task,
            task_identity=self._workers[0].ready.task_identity,
            tier=request.tier,
            split=request.split,
            outcome=Outcome.INFRASTRUCTURE,
            objective=None,
            metrics={},
            instances=(),
            feedback=f"each of the {MAX_TRIES} workers that played it ended, or did not answer in time",
            environment=self._environment,
            environment_class=self.environment_class,
            seeds="",
            cpu_s=0.0,
            wall_s=0.0,
        )

    async def _replace(self, dead: Worker) -> Worker:
        await dead.kill()
        fresh = await Worker.start(self._hello, self._command)
        self._workers[self._workers.index(dead)] = fresh
        return fresh
