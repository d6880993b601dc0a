from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.candidate import CandidateFailure, ReplyField
from evaluators.contract import Limits, Outcome
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.errors import SandboxError
from evaluators.sandbox.launch import CHOICE, Bubblewrap, Native, chosen
from tests.hostile.bubblewrap import bubblewrap_works
from tests.hostile.processes import descendants

LIMITS = Limits(wall_s=20.0, cpu_s=10.0, call_wall_s=10.0, memory_bytes=256 << 20)
FACTS = (ReplyField(name="pid", dtype="int64", shape=()), ReplyField(name="parent", dtype="int64", shape=()))
PROGRAM = """
import os
def facts():
    return {"pid": os.getpid(), "parent": os.getppid()}
def loop():
    while True:
        pass
"""


needs_bubblewrap = pytest.mark.skipif(not bubblewrap_works(), reason="bubblewrap is not installed, or cannot run here")


@pytest.fixture
def wrapped() -> Iterator[Sandbox]:
    with Sandbox.start(["numpy"], allow_unsafe=True, launcher=Bubblewrap(shutil.which("bwrap") or "")) as sandbox:
        yield sandbox


def test_native_is_what_runs_unless_something_else_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHOICE, raising=False)
    assert chosen() == Native()
    assert Native().command(["a", "b"]) == ["a", "b"]


def test_unknown_choice_names_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, "chroot")
    with pytest.raises(SandboxError, match="native or bubblewrap"):
        chosen()


def test_bubblewrap_that_is_not_installed_is_an_error_not_a_weaker_sandbox(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CHOICE, "bubblewrap")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="install the package bubblewrap"):
        chosen()


def test_bubblewrap_s_command_shares_neither_network_nor_process_numbers() -> None:
    command = Bubblewrap("/usr/bin/bwrap").command(["zygote", "3"])
    assert {"--unshare-net", "--unshare-pid", "--unshare-ipc", "--ro-bind", "--die-with-parent"} <= set(command)
    assert command[-3:] == ["--", "zygote", "3"]
    assert "--bind" not in command


@needs_bubblewrap
def test_child_in_bubblewrap_has_numbers_of_its_own_and_is_metered_from_outside(wrapped: Sandbox) -> None:
    assert wrapped.layers.startswith("bubblewrap+rlimit")
    with wrapped.candidate(PROGRAM, LIMITS) as child:
        facts = child.function("facts", [], FACTS).arrays
        assert int(facts["parent"]) < 10 < os.getpid()
        assert child.cpu_s > 0


@needs_bubblewrap
def test_program_in_bubblewrap_is_killed_at_its_limits(wrapped: Sandbox) -> None:
    for limits in (replace(LIMITS, cpu_s=0.05), replace(LIMITS, call_wall_s=0.05)):
        with wrapped.candidate(PROGRAM, limits) as child, pytest.raises(CandidateFailure) as caught:
            child.function("loop", [], FACTS[:1])
        assert caught.value.outcome is Outcome.TIMED_OUT


@needs_bubblewrap
def test_closing_ends_everything_inside_bubblewrap() -> None:
    before = descendants(os.getpid())
    sandbox = Sandbox(["numpy"], launcher=Bubblewrap(shutil.which("bwrap") or ""))
    inside = descendants(os.getpid()) - before
    sandbox.close()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in inside) and time.monotonic() < deadline:
        time.sleep(0.01)  # the kernel ends a process namespace in its own time
    assert not [pid for pid in inside if Path(f"/proc/{pid}").exists()]
