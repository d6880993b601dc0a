"""The sandboxed parser as the controller uses it."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from evaluators.sandbox import landlock, seccomp
from evolve.errors import BackendError
from evolve.parsing import client
from evolve.parsing.client import Parser
from evolve.parsing.examine import examine
from evolve.parsing.verdict import Verdict

SLOW = "x = [" + "a, " * 60_000 + "]\n"  # about a second of CPU time


def with_parser(
    use: Callable[[Parser], Coroutine[None, None, None]], *, cpu_s: float = 10.0, deadline_s: float = 60.0
) -> None:
    async def run() -> None:
        async with Parser(cpu_s=cpu_s, deadline_s=deadline_s) as parser:
            await use(parser)

    asyncio.run(run())


def test_verdicts_are_those_of_examine() -> None:
    texts = [
        "def f(x):\n    return x\n",
        "x = (",
        "",
        "x = '\\N{BULLET}'",
        "# coding: ascii\nx = 1\n",
        "x = '\ud800'",
        "x\0",
    ]

    async def use(parser: Parser) -> None:
        for text in texts:
            assert await parser.parse(text) == examine(text)

    with_parser(use)


def test_bombs_are_rejected_and_the_parser_goes_on() -> None:
    bombs = ["x = " + "(" * 100_000, "-" * 200_000 + "1", "[" * 100_000, "a" + ".b" * 100_000, "9" * 250_000]
    bombs += ["f'{" * 50_000, "lambda:" * 30_000 + "0", "if x:\n" + "\n".join(" " * n + "if x:" for n in range(1, 400))]

    async def use(parser: Parser) -> None:
        for bomb in bombs:
            assert (await parser.parse(bomb)).error
        assert (await parser.parse("x = 1\n")).error == ""
        assert "has 262145 bytes; at most 262144" in (await parser.parse("#" * (256 << 10) + "\n")).error
        assert (await parser.parse("#" * (256 << 10))).error == ""

    with_parser(use)


def test_a_text_that_takes_too_long_is_given_up_and_the_next_one_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async def use(parser: Parser) -> None:
        first = parser.pid
        assert await parser.parse(SLOW) == Verdict(
            error="the parser gave up: its process ended, by a limit of time or memory"
        )
        assert (await parser.parse("x = 1\n")).error == ""
        assert parser.pid != first

    with_parser(use, cpu_s=0.05)
    assert caplog.messages == []


def test_a_child_that_hangs_is_replaced() -> None:
    async def use(parser: Parser) -> None:
        assert parser.pid is not None
        os.kill(parser.pid, signal.SIGSTOP)
        assert (await parser.parse("x = 1\n")).error == "the parser gave up: no answer within 0.5 s"
        assert (await parser.parse("x = 1\n")).error == ""

    with_parser(use, deadline_s=0.5)


def test_a_child_that_served_others_is_not_the_judge_of_its_last_text() -> None:
    async def use(parser: Parser) -> None:
        await parser.parse("x = 1\n")
        assert parser.pid is not None
        os.kill(parser.pid, signal.SIGKILL)
        assert (await parser.parse("y = 1\n")).error == ""

    with_parser(use)


def test_a_cancelled_request_leaves_no_answer_behind() -> None:
    async def use(parser: Parser) -> None:
        request = asyncio.create_task(parser.parse(SLOW))
        while not parser.num_texts:
            await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert [name.name for name in (await parser.parse("y = 1\n")).names] == ["y"]

    with_parser(use)


def test_texts_at_the_same_time_get_their_own_verdicts() -> None:
    async def use(parser: Parser) -> None:
        verdicts = await asyncio.gather(*(parser.parse(f"name_{n} = 1\n") for n in range(8)))
        assert [verdict.names[0].name for verdict in verdicts] == [f"name_{n}" for n in range(8)]

    with_parser(use)


def test_a_child_is_replaced_after_many_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TEXTS_PER_CHILD", 2)

    async def use(parser: Parser) -> None:
        pids = []
        for _ in range(4):
            await parser.parse("x = 1\n")
            pids.append(parser.pid)
        assert pids[0] == pids[1] != pids[2] == pids[3]

    with_parser(use)


def test_a_parser_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_COMMAND", (sys.executable, "-c", "pass"))

    async def use(parser: Parser) -> None:
        raise AssertionError("nothing may be asked of it")

    with pytest.raises(BackendError, match="the process that parses programs does not start"):
        with_parser(use)


def test_every_layer_that_the_kernel_has_is_on() -> None:
    async def use(parser: Parser) -> None:
        abi = landlock.abi_version()
        expected = {"rlimit"} | ({"seccomp"} if seccomp.available() else set()) | ({f"landlock{abi}"} if abi else set())
        assert expected <= set(parser.layers)
        status = Path(f"/proc/{parser.pid}/status").read_text(encoding="ascii")
        assert "NoNewPrivs:\t1" in status
        assert f"Seccomp:\t{2 if seccomp.available() else 0}" in status

    with_parser(use)


def test_the_child_has_no_variable_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary")

    async def use(parser: Parser) -> None:
        try:
            environment = Path(f"/proc/{parser.pid}/environ").read_bytes()
            descriptors = {int(name.name) for name in Path(f"/proc/{parser.pid}/fd").iterdir()}
        except PermissionError:
            pytest.skip("only root may look into a process that is not dumpable")
        names = {entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry}
        assert names <= {b"LC_ALL", b"LD_LIBRARY_PATH"}
        assert descriptors == {0, 1, 2, 3, 4}

    with_parser(use)


CANARY = """
import os, sys
root, secret = sys.argv[1:]
sys.path.insert(0, root)
import socket, evolve.parsing.child
from evaluators.sandbox import layers
prepared = layers.prepare([], [])
prepared.put_on(os.getppid(), evolve.parsing.child.MEMORY_BYTES, 10, (0, 1, 2))
def succeeds(attack):
    try:
        return bool(attack())
    except (OSError, MemoryError):
        return False
attacks = [
    lambda: open(secret).read(), lambda: os.listdir("/"), lambda: open(os.__file__).read(), lambda: open(secret, "w"),
    lambda: os.fork() + 1, lambda: socket.socket(), lambda: bytearray(1 << 30),
]
os.write(4, "".join("01"[succeeds(attack)] for attack in attacks).encode())
"""


def test_what_wears_the_same_layers_reads_writes_and_starts_nothing(tmp_path: Path) -> None:
    if not (landlock.abi_version() and seccomp.available()):
        pytest.skip("this kernel lacks Landlock or seccomp")
    secret = tmp_path / "secret"
    secret.write_text("canary")
    command = [sys.executable, "-I", "-S", "-c", CANARY, client._ROOT, str(secret)]
    attempt = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=60)
    assert attempt.stdout == b"0000000"


def test_the_child_ends_when_its_pipe_closes() -> None:
    command = [*client._COMMAND, str(os.getpid()), "[]", client._ROOT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/") as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=60) == 0


OWNER = """
import asyncio, sys
from evolve.parsing.client import Parser
async def main():
    async with Parser() as parser:
        print(parser.pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def test_the_child_dies_with_its_owner() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        child = os.pidfd_open(int(owner.stdout.readline()))
        owner.kill()
        owner.wait(timeout=60)
    ended, _, _ = select.select([child], [], [], 60)
    os.close(child)
    assert ended
