from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TypeVar

import pytest

from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.protocol import EvaluateReply, EvaluateRequest, Hello, Ready, body_length, decode, encode
from evaluators.seeding import secret_from_seed
from evolve.errors import BackendError
from evolve.execution import local
from evolve.execution.local import LocalBackend

HELLO = Hello(task="toy", parameters={"hints": 8}, secrets={Split.SEARCH: secret_from_seed(1)})
MEAN = "def guess(hints):\n    return hints.mean()\n"
Message = TypeVar("Message")
FAR_OFF = "def guess(hints):\n    return 0.0\n"
LOOP = "def guess(hints):\n    while True: pass\n"


def quick(source: str, split: Split = Split.SEARCH) -> EvaluateRequest:
    return EvaluateRequest(source=source, tier=Tier.QUICK, split=split)


def test_evaluations_run_side_by_side_and_repeat() -> None:
    async def scene() -> list[float | None]:
        backend = await LocalBackend.start(HELLO, 2, 60.0)
        try:
            found = await asyncio.gather(*(backend.evaluate(quick(MEAN)) for _ in range(5)))
        finally:
            await backend.close()
        return [evaluation.objective for evaluation in found]

    objectives = asyncio.run(scene())
    assert objectives[0] is not None
    assert set(objectives) == {objectives[0]}


def test_a_worker_that_dies_is_replaced_and_its_evaluation_retried() -> None:
    async def scene() -> Outcome:
        backend = await LocalBackend.start(HELLO, 1, 60.0)
        try:
            evaluating = asyncio.create_task(backend.evaluate(quick(LOOP)))
            await asyncio.sleep(0)
            os.kill(worker_pids(os.getpid())[0], signal.SIGKILL)
            return (await evaluating).outcome
        finally:
            await backend.close()

    assert asyncio.run(scene()) is Outcome.TIMED_OUT


def test_a_cancelled_evaluation_leaves_no_reply_for_the_next() -> None:
    async def scene() -> tuple[Outcome, list[float | None], list[int]]:
        backend = await LocalBackend.start(HELLO, 1, 60.0)
        try:
            alone = await backend.evaluate(quick(MEAN))
            cancelled = asyncio.create_task(backend.evaluate(quick(FAR_OFF)))
            for _ in range(10):  # the request is written by then
                await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.gather(cancelled, return_exceptions=True)
            after = [(await backend.evaluate(quick(MEAN))).objective for _ in range(2)]
            return alone.outcome, [alone.objective, *after], worker_pids(os.getpid())
        finally:
            await backend.close()

    outcome, objectives, workers = asyncio.run(scene())
    assert outcome is Outcome.SCORED
    assert len(set(objectives)) == 1
    assert len(workers) == 1


def test_workers_that_die_again_and_again_are_an_infrastructure_outcome() -> None:
    async def scene() -> Evaluation:
        backend = await LocalBackend.start(
            HELLO, 1, 0.05
        )  # too short for a program that loops: each worker is given up
        try:
            return await backend.evaluate(quick(LOOP))
        finally:
            await backend.close()

    lost = asyncio.run(scene())
    assert lost.outcome is Outcome.INFRASTRUCTURE
    assert lost.feedback == "each of the 3 workers that played it ended, or did not answer in time"


# A worker whose evaluations end as the machine's fault, until it is told that this is the second try.
FLAKY = """
import sys
from dataclasses import replace
from evaluators import protocol, worker
from evaluators.contract import Outcome

honest = worker.answer

def answer(scorer, body):
    reply = honest(scorer, body)
    if protocol.decode(protocol.EvaluateRequest, body).second_try:
        return reply
    return replace(reply, evaluation=replace(reply.evaluation, outcome=Outcome.INFRASTRUCTURE, objective=None))

worker.answer = answer
worker.main()
"""


def test_a_second_try_is_told_that_it_is_one() -> None:
    async def scene() -> Outcome:
        backend = await LocalBackend.start(HELLO, 1, 60.0, (sys.executable, "-c", FLAKY))
        try:
            return (await backend.evaluate(quick(MEAN))).outcome
        finally:
            await backend.close()

    assert asyncio.run(scene()) is Outcome.SCORED


def test_a_closed_backend_leaves_no_process() -> None:
    async def scene() -> list[int]:
        backend = await LocalBackend.start(HELLO, 2, 60.0)
        evaluating = asyncio.create_task(backend.evaluate(quick(LOOP)))
        await asyncio.sleep(0)
        watched = [
            fd for worker in worker_pids(os.getpid()) for fd in (os.pidfd_open(worker), *descriptors_of_tree(worker))
        ]
        evaluating.cancel()
        await backend.close()
        return watched

    watched = asyncio.run(scene())
    assert len(watched) >= 4  # two workers, two zygotes
    assert_all_end(watched)


def test_a_task_that_cannot_start_says_why() -> None:
    with pytest.raises(BackendError, match="there is no task 'toyy'; did you mean 'toy'"):
        asyncio.run(LocalBackend.start(Hello(task="toyy", parameters={}, secrets={}), 2, 60.0))


def test_instances_that_cannot_be_drawn_are_told_before_anything_is_played() -> None:
    hello = Hello(
        task="broadcast",
        parameters={"regions": 3, "destinations": 1},
        secrets={Split.SEARCH: secret_from_seed(1)},
        drawn=((Tier.SMOKE, Split.SEARCH), (Tier.QUICK, Split.SEARCH)),
    )
    with pytest.raises(BackendError, match="^the instances of search, tier quick, cannot be drawn: scenario one_cloud"):
        asyncio.run(LocalBackend.start(hello, 2, 60.0))


def test_a_split_without_a_secret_is_refused_and_the_worker_lives_on() -> None:
    async def scene() -> Outcome:
        backend = await LocalBackend.start(HELLO, 1, 60.0)
        try:
            with pytest.raises(BackendError, match="no secret for the holdout split"):
                await backend.evaluate(quick(MEAN, Split.HOLDOUT))
            return (await backend.evaluate(quick(MEAN))).outcome
        finally:
            await backend.close()

    assert asyncio.run(scene()) is Outcome.SCORED


def test_a_worker_ends_with_everything_it_started_when_its_input_closes() -> None:
    with a_worker() as worker:
        assert worker.stdin is not None
        worker.stdin.write(encode(quick(LOOP)))
        worker.stdin.flush()
        watched = descriptors_of_tree(worker.pid)
        worker.stdin.close()
        assert worker.wait(timeout=30) == 0
        assert_all_end(watched)


def test_a_worker_answers_nonsense_with_an_error_and_lives_on() -> None:
    with a_worker() as worker:
        assert worker.stdin is not None
        worker.stdin.write(encode({"x": 1}) + encode(quick(MEAN)))
        worker.stdin.flush()
        first, second = (read(worker, EvaluateReply) for _ in range(2))
        assert "ContractError" in first.error
        assert second.evaluation is not None


def a_worker() -> subprocess.Popen[bytes]:
    """A worker that has said it is ready."""
    words = [sys.executable, "-m", "evaluators.worker"]
    worker = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert worker.stdin is not None
    worker.stdin.write(encode(HELLO))
    worker.stdin.flush()
    assert read(worker, Ready).error == ""
    return worker


def read(worker: subprocess.Popen[bytes], kind: type[Message]) -> Message:
    assert worker.stdout is not None
    return decode(kind, worker.stdout.read(body_length(worker.stdout.read(4))))


def children_of(pid: int) -> list[int]:
    found = (Path(f"/proc/{pid}/task").glob("*/children")) if Path(f"/proc/{pid}").exists() else iter(())
    return [int(word) for file in found for word in file.read_text().split()]


def worker_pids(pid: int) -> list[int]:
    return [child for child in children_of(pid) if b"evaluators.worker" in Path(f"/proc/{child}/cmdline").read_bytes()]


def descriptors_of_tree(pid: int) -> list[int]:
    """A descriptor for every process below `pid`: unlike a number, it cannot come to mean another process."""
    below = children_of(pid)
    return [os.pidfd_open(child) for child in below] + [fd for child in below for fd in descriptors_of_tree(child)]


def assert_all_end(descriptors: list[int]) -> None:
    """That every process ends within a generous time; a pidfd becomes readable at the end of its process."""
    for descriptor in descriptors:
        try:
            assert select.select([descriptor], [], [], 30.0)[0], "a process outlived its parent"
        finally:
            os.close(descriptor)


HOLDS_THE_PIPE = """
import os, subprocess, sys
print(subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL).pid, file=sys.stderr, flush=True)
os.execv(sys.executable, [sys.executable, "-m", "evaluators.worker"])
"""


def test_a_killed_worker_whose_pipe_stays_open_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def scene() -> None:
        backend = await LocalBackend.start(HELLO, 1, 60.0, [sys.executable, "-c", HOLDS_THE_PIPE])
        monkeypatch.setattr(local, "_END_S", 0.0, raising=False)
        async with asyncio.timeout(60):
            await backend.close()
        while not backend._workers[0].has_ended:
            await asyncio.sleep(0)

    try:
        asyncio.run(scene())
    finally:
        os.kill(int(capfd.readouterr().err.split()[0]), signal.SIGKILL)
