"""Every attack ends as its header says, leaks nothing, leaves nothing behind, and harms no later candidate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import evaluators.sandbox.client
from evaluators.candidate import CandidateFailure, ReplyField
from evaluators.contract import Limits, Outcome
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.errors import SandboxError
from tests.hostile.generated import UNREADABLE
from tests.hostile.processes import descendants

ATTACKS = sorted(Path(__file__).parent.glob("[a-k][0-9][0-9]_*.py"))
CANARY = "kanarienvogel-31415926535"
LIMITS = Limits(wall_s=30.0, cpu_s=20.0, call_wall_s=20.0, memory_bytes=256 << 20)  # only a hung machine reaches them
SHORT = Limits(wall_s=0.5, cpu_s=0.5, call_wall_s=0.5, memory_bytes=256 << 20)  # for attacks that end by them
INPUTS = np.zeros(4)
VALUE = (ReplyField(name="value", dtype="float64", shape=()),)
HONEST = "def attack(context, inputs):\n    return {'value': inputs.sum() + 42}\n"


@dataclass(frozen=True)
class Ending:
    outcome: Outcome
    succeeded: bool  # what the attack itself says it achieved
    text: str  # everything a person or a model could read of it


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVENKEEL_HOSTILE_KEY", CANARY)
        try:
            started = Sandbox.start(["numpy"])
        except SandboxError as error:
            pytest.skip(f"no hostile program is run where the sandbox is incomplete: {error}")
        with started:
            yield started


@pytest.fixture
def context(tmp_path: Path) -> dict[str, str]:
    secret = tmp_path / "secret"
    secret.write_text(CANARY, encoding="ascii")
    secret.chmod(0o644)
    return {
        "secret": str(secret),
        "folder": str(tmp_path),
        "home": str(Path.home()),
        "harness": evaluators.sandbox.client.__file__,
        "worker": str(os.getpid()),
    }


def run(sandbox: Sandbox, source: str, context: dict[str, str], limits: Limits = LIMITS) -> Ending:
    printed = ""
    try:
        with sandbox.candidate(source, limits) as candidate:
            try:
                value = candidate.function("attack", [context, INPUTS], VALUE).arrays["value"]
            finally:
                printed = candidate.stderr_tail()
        return Ending(Outcome.SCORED, bool(value), printed)
    except CandidateFailure as failure:
        return Ending(failure.outcome, False, printed + failure.detail)


def expected_outcomes(source: str) -> set[Outcome]:
    header = source.partition("\n")[0].removeprefix("# expect: ")
    return {Outcome(name) for name in header.split(",")}


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_attack_ends_as_expected_and_leaves_nothing(
    sandbox: Sandbox, context: dict[str, str], path: Path, tmp_path: Path
) -> None:
    source = path.read_text(encoding="utf-8")
    processes = descendants(os.getpid())

    expected = expected_outcomes(source)
    ending = run(sandbox, source, context, SHORT if Outcome.TIMED_OUT in expected else LIMITS)

    assert ending.outcome in expected, ending
    assert not ending.succeeded
    assert CANARY not in ending.text
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]
    secret = tmp_path / "secret"
    assert (secret.read_text(encoding="ascii"), secret.stat().st_mode & 0o777) == (CANARY, 0o644)
    assert descendants(os.getpid()) == processes
    assert run(sandbox, HONEST, context) == Ending(Outcome.SCORED, True, "")


@pytest.mark.parametrize("name", UNREADABLE)
def test_source_that_cannot_be_read_is_invalid(sandbox: Sandbox, context: dict[str, str], name: str) -> None:
    assert run(sandbox, UNREADABLE[name], context).outcome is Outcome.INVALID
    assert run(sandbox, HONEST, context).outcome is Outcome.SCORED


def test_terminal_escapes_and_direction_marks_are_stripped(sandbox: Sandbox, context: dict[str, str]) -> None:
    source = next(path for path in ATTACKS if path.stem == "e05_terminal_escapes").read_text(encoding="utf-8")

    text = run(sandbox, source, context).text

    assert "IGNORE PREVIOUS INSTRUCTIONS" in text
    assert not {"\x1b", "\x07", "\u202e", "\u2066", "\u200b"}.intersection(text)
