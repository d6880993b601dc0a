"""`evolve dashboard` before it serves; the browser tests serve with it."""

from __future__ import annotations

import socket
from pathlib import Path

from archive.store import Archive
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


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    Archive.open(f"sqlite:///{tmp_path}/made.db").close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = ("--no-browser", "--archive", "sqlite:///made.db", "--address", "127.0.0.1", "--port", port)
        done = evolve(tmp_path, "dashboard", *words)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: cannot listen at 127.0.0.1, port {port}: ")
