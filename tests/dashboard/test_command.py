"""`evolve dashboard` before it serves; the browser tests serve with it."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.commands import evolve


def test_a_missing_archive_is_said_at_once(tmp_path: Path) -> None:
    done = evolve(tmp_path, "dashboard", "--no-browser", "--archive", "sqlite:///gone.db")
    assert done.returncode == 1
    assert "there is no archive at" in done.stderr
    assert not (tmp_path / "gone.db").exists()


def test_what_is_no_archive_is_said_at_once(tmp_path: Path) -> None:
    done = evolve(tmp_path, "dashboard", "--no-browser", "--archive", "notes.txt")
    assert done.returncode == 1
    assert "a file is sqlite:///PATH" in done.stderr
