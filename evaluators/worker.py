"""The long-lived scorer: requests in on one pipe, evaluations out on another. Owns seeds, clock and sandbox.

Started by the controller as ``python -m evaluators.worker``. It ends when its input closes or its parent dies, and
its zygote and children end with it.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from evaluators import protocol, registry
from evaluators.contract import (
    ContractError,
    Environment,
    Evaluation,
    EvaluatorError,
    InstanceResult,
    Outcome,
    Split,
    Tier,
)
from evaluators.environment import environment_of
from evaluators.folder_task import import_error
from evaluators.problem import ClockPolicy, Problem
from evaluators.sandbox.client import Sandbox
from evaluators.scoring import Workload, evaluate

_PR_SET_PDEATHSIG = 1


class Scorer:
    """One problem, its workloads built once, and the sandbox that plays programs on them."""

    def __init__(
        self, problem: Problem, secrets: Mapping[Split, str], sandbox: Sandbox, environment: Environment
    ) -> None:
        self._problem = problem
        self._secrets = secrets
        self._sandbox = sandbox
        self._environment = environment
        self._workloads: dict[tuple[Tier, Split], Workload] = {}
        self._passing: tuple[tuple[Tier, Split, str], Workload] | None = None  # the last one of another secret

    def draw(self, wanted: Sequence[tuple[Tier, Split]]) -> None:
        """Build these workloads now.

        Raises:
            ContractError: One cannot be drawn; says which.
        """
        for tier, split in wanted:
            try:
                self._workload(tier, split)
            except ContractError as error:
                raise ContractError(f"the instances of {split}, tier {tier}, cannot be drawn: {error}") from error

    def evaluate(self, request: protocol.EvaluateRequest) -> Evaluation:
        """The evaluation that `request` asks for."""
        clock = ClockPolicy(clock=request.clock, stored_delays_s=request.stored_delays_s)
        if request.secret:
            workload = self._passing_workload(request.tier, request.split, request.secret)
        else:
            workload = self._workload(request.tier, request.split)
        started_s = time.perf_counter()
        try:
            return evaluate(
                self._problem,
                workload,
                request.source,
                partial(self._sandbox.candidate, second_try=request.second_try),
                self._environment,
                clock,
                race=request.race,
            )
        except (EvaluatorError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a program's values break in us, they must not end the worker
            traceback.print_exception(error)
            return self._unjudged(workload, self._told(error), time.perf_counter() - started_s)

    def _told(self, error: Exception) -> str:
        """The kind of error; in a task of the user's, whose author reads it, what it says and in which line too."""
        folder = self._problem.task.folder
        return import_error(error, Path(folder)) if folder else type(error).__name__

    def _unjudged(self, workload: Workload, fault: str, wall_s: float) -> Evaluation:
        """What is left of an evaluation that broke our own code: charged to the program, for it chose the values."""
        task, is_search = self._problem.task, workload.split is Split.SEARCH
        detail = f"the evaluator failed on what the program returned: {fault}" if is_search else ""
        return Evaluation(
            task=task.name,
            task_identity=task.identity,
            tier=workload.tier,
            split=workload.split,
            outcome=Outcome.CRASHED,
            objective=None,
            metrics={},
            instances=tuple(
                InstanceResult(name=instance.name, regime=instance.regime, outcome=Outcome.CRASHED, detail=detail)
                for instance in workload.instances
            ),
            feedback=detail,
            environment=self._environment,
            environment_class=self._environment.environment_class(task),
            seeds=workload.seeds,
            cpu_s=0.0,
            wall_s=round(wall_s, 6),
            parameters=task.parameters,
        )

    def _workload(self, tier: Tier, split: Split) -> Workload:
        known = self._workloads.get((tier, split))
        if known is None:
            if split not in self._secrets:
                raise ContractError(f"this worker was given no secret for the {split} split")
            known = Workload.build(self._problem, tier, split, self._secrets[split])
            self._workloads[tier, split] = known
        return known

    def _passing_workload(self, tier: Tier, split: Split, secret: str) -> Workload:
        """Instances of a secret that may not come again; only the last ones are kept."""
        if self._passing is None or self._passing[0] != (tier, split, secret):
            self._passing = ((tier, split, secret), Workload.build(self._problem, tier, split, secret))
        return self._passing[1]


def serve(requests: queue.SimpleQueue[bytes], replies: BinaryIO) -> None:
    """Answer requests until the process ends (the reader thread ends it)."""
    hello = protocol.decode(protocol.Hello, requests.get())
    try:
        problem = registry.problem(hello.task).configured(hello.parameters)
        sandbox = Sandbox.start(problem.task.libraries, allow_unsafe=hello.allow_unsafe)
    except EvaluatorError as error:
        _send(replies, protocol.Ready(error=str(error)))
        return
    with sandbox:
        environment = environment_of(problem.task, sandbox.layers)
        ready = protocol.Ready(
            environment=environment,
            environment_class=environment.environment_class(problem.task),
            task=problem.task.name,
            task_identity=problem.task.identity,
        )
        scorer = Scorer(problem, hello.secrets, sandbox, environment)
        try:
            scorer.draw(hello.drawn)
        except EvaluatorError as error:
            ready = protocol.Ready(error=str(error))
        _send(replies, ready)
        while True:
            _send(replies, answer(scorer, requests.get()))


def answer(scorer: Scorer, body: bytes) -> protocol.EvaluateReply:
    """The reply to one request; an error of ours is said, not raised, so that the worker lives on."""
    try:
        request = protocol.decode(protocol.EvaluateRequest, body)
    except ContractError as error:
        return protocol.EvaluateReply(error=f"no request, ContractError: {error}")
    try:
        return protocol.EvaluateReply(evaluation=scorer.evaluate(request))
    except ContractError as error:
        return protocol.EvaluateReply(error=str(error))  # a sentence for the user, such as why nothing can be drawn
    except (EvaluatorError, OSError) as error:
        return protocol.EvaluateReply(error=f"{type(error).__name__}: {error}")


def _send(replies: BinaryIO, message: object) -> None:
    replies.write(protocol.encode(message))
    replies.flush()


def _read_requests(source: BinaryIO, requests: queue.SimpleQueue[bytes]) -> None:
    """Feed `requests`; when the controller closes the pipe or dies, end the process at once, whatever it is doing."""
    while len(prefix := source.read(protocol.PREFIX.size)) == protocol.PREFIX.size:
        requests.put(source.read(protocol.body_length(prefix)))
    os._exit(0)


def _own_stdout() -> BinaryIO:
    """The reply pipe under a private descriptor; anything printed by accident goes to stderr."""
    private = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return private


def main() -> None:
    """Serve the controller on stdin and stdout."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the controller's to answer
    replies = _own_stdout()
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(sys.stdin.buffer, requests), daemon=True).start()
    serve(requests, replies)


if __name__ == "__main__":
    main()
