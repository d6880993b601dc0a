"""Every attack ends as its header says, leaks nothing, leaves nothing behind, and harms no later candidate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.contract import Outcome
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.errors import SandboxError
from tests.hostile.corpus import CANARY, CANARY_VARIABLES, check, run, scene
from tests.hostile.generated import UNREADABLE
from tests.hostile.headers import ATTACKS, read_attack


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        for name in CANARY_VARIABLES:
            patch.setenv(name, CANARY)
        try:
            started = Sandbox.start(["numpy"])
        except SandboxError as error:
            pytest.skip(f"no hostile program is run where the sandbox is incomplete: {error}")
        with started:
            yield started


@pytest.fixture
def context() -> Iterator[dict[str, str]]:
    with scene() as made:
        yield made


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_attack_ends_as_expected_and_leaves_nothing(sandbox: Sandbox, context: dict[str, str], path: Path) -> None:
    assert check(sandbox, read_attack(path), context).problems == ()


def test_no_child_hears_of_another_through_its_standard_input(sandbox: Sandbox, context: dict[str, str]) -> None:
    source = next(path for path in ATTACKS if path.stem == "k33_talks_through_stdin").read_text(encoding="utf-8")
    assert [run(sandbox, source, context).succeeded for _ in range(2)] == [False, False]


def test_corpus_is_as_large_as_promised() -> None:
    assert len(ATTACKS) >= 120


@pytest.mark.parametrize("name", UNREADABLE)
def test_source_that_cannot_be_read_is_invalid(sandbox: Sandbox, context: dict[str, str], name: str) -> None:
    assert run(sandbox, UNREADABLE[name], context).outcome is Outcome.INVALID


def test_terminal_escapes_and_direction_marks_are_stripped(sandbox: Sandbox, context: dict[str, str]) -> None:
    source = next(path for path in ATTACKS if path.stem == "e05_terminal_escapes").read_text(encoding="utf-8")

    text = run(sandbox, source, context).text

    assert "IGNORE PREVIOUS INSTRUCTIONS" in text
    assert not {"\x1b", "\x07", "\u202e", "\u2066", "\u200b"}.intersection(text)
