from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from evaluators.contract import Outcome
from evaluators.sandbox.watchdog import MAX_OUTPUT_BYTES, Guard


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "print('ready', flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        yield running
        running.kill()


def guard_of(process: subprocess.Popen[bytes], output: int = -1, resident_bytes: int = 1 << 40) -> Guard:
    return Guard(process.pid, os.pidfd_open(process.pid), output, cpu_s=1e9, resident_bytes=resident_bytes)


def outcome_of(guard: Guard) -> Outcome | None:
    return guard.verdict.outcome if guard.verdict is not None else None


def test_process_is_left_alone_between_calls(process: subprocess.Popen[bytes]) -> None:
    guard = guard_of(process, resident_bytes=0)
    guard.arm(-1.0)
    guard.disarm()
    guard.check(time.monotonic())
    assert outcome_of(guard) is None


def test_resident_memory_over_the_limit_kills(process: subprocess.Popen[bytes]) -> None:
    guard = guard_of(process, resident_bytes=4096)
    guard.arm(1e9)
    guard.check(time.monotonic())
    assert outcome_of(guard) is Outcome.OUT_OF_MEMORY
    assert process.wait() == -9


def test_first_verdict_stands(process: subprocess.Popen[bytes]) -> None:
    guard = guard_of(process, resident_bytes=4096)
    guard.arm(-1.0)
    guard.check(time.monotonic())
    guard.check(time.monotonic())
    assert outcome_of(guard) is Outcome.TIMED_OUT


def test_killing_a_reaped_process_is_harmless(process: subprocess.Popen[bytes]) -> None:
    guard = guard_of(process)
    process.kill()
    process.wait()
    guard.kill()
    guard.arm(1e9)
    guard.check(time.monotonic())
    assert outcome_of(guard) is None


def test_output_beyond_the_cap_is_a_flood(process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    guard = guard_of(process, output=reading)
    os.write(writing, b"text")
    assert guard.drain()
    assert outcome_of(guard) is None
    monkeypatch.setattr("evaluators.sandbox.watchdog.MAX_OUTPUT_BYTES", 5)
    os.write(writing, b"more")
    os.close(writing)
    assert guard.drain()
    assert outcome_of(guard) is Outcome.INVALID
    assert guard.tail(6) == "xtmore"
    assert not guard.drain()
    os.close(reading)
    assert MAX_OUTPUT_BYTES == 64 << 20
