from __future__ import annotations

from pathlib import Path

import pytest

from archive.records import NoteKind
from archive.store import Archive
from tests.end_to_end.commands import evolve, evolve_json

ARCHIVE = ("--archive", "sqlite:///archive.db")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("remarks")


@pytest.fixture(scope="module")
def run(folder: Path) -> tuple[str, str]:
    """Run and best candidate of a short run."""
    document = evolve_json(folder, "run", "toy", "--attempts", "8", "--seed", "1", *ARCHIVE)
    best = document["best"]
    assert isinstance(best, dict)
    return str(document["run"]), str(best["id"])


def test_remarks_are_kept_and_shown(folder: Path, run: tuple[str, str]) -> None:
    run_id, best = run
    for words in (("note", best[:8], "sorts first"), ("pin", best[:8], "--run", run_id), ("hint", run_id, "sort")):
        assert evolve(folder, *words, *ARCHIVE).returncode == 0
    assert "note: sorts first" in evolve(folder, "show", best, *ARCHIVE).stdout
    with Archive.open(f"sqlite:///{folder}/archive.db", create=False) as archive:
        kinds = [note.kind for note in archive.notes_for(run_id)]
    assert kinds == [NoteKind.NOTE, NoteKind.PIN, NoteKind.HINT]


def test_a_hint_to_a_run_that_has_asked_all_says_so(folder: Path, run: tuple[str, str]) -> None:
    said = evolve(folder, "hint", run[0], "sort them", *ARCHIVE).stdout
    assert "has made all its 8 asks" in said


def test_a_banned_program_is_not_bred_from_when_the_run_goes_on(folder: Path, run: tuple[str, str]) -> None:
    run_id, best = run
    evolve(folder, "ban", best, *ARCHIVE)
    evolve(folder, "resume", run_id, "--attempts", "30", *ARCHIVE)
    with Archive.open(f"sqlite:///{folder}/archive.db", create=False) as archive:
        later = [attempt for attempt in archive.attempts(run_id) if attempt.index >= 8]
    assert len(later) == 22
    assert all(best not in (attempt.parent_id, *attempt.inspiration_ids) for attempt in later)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pin", "zzzz"), "expected at least 4 hex digits"),
        (("ban", "0123456789"), "no archived candidate has the id"),
        (("hint", "nowhere", "x"), "expected the id of an archived run"),
    ],
)
def test_a_remark_on_nothing_is_one_sentence(
    folder: Path, run: tuple[str, str], words: tuple[str, ...], message: str
) -> None:
    ended = evolve(folder, *words, *ARCHIVE)
    assert (ended.returncode, message in ended.stderr) == (1, True)
