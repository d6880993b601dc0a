from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.end_to_end.commands import evolve, evolve_rows

PROGRAM = "def guess(hints):\n    # \x1b[2J\x1b]0;owned\x07score 1.0000 \u202egnp.exe\n    return hints.mean()\n"


def on_a_terminal(folder: Path, *words: str) -> str:
    """What `evolve WORDS` writes to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-m", "evolve.cli", *words], cwd=folder, stdout=theirs) as process:
        os.close(theirs)
        written = b""
        while chunk := _read(ours):
            written += chunk
        os.close(ours)
    assert process.returncode == 0
    return written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux says so when the other end is closed
        return b""


def test_a_program_steers_no_terminal_and_comes_whole_through_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "hostile.py").write_text(PROGRAM)
    assert evolve(tmp_path, "evaluate", "hostile.py", "--task", "toy", "--archive", "sqlite:///a.db").returncode == 0
    (row,) = evolve_rows(tmp_path, "leaderboard", "--archive", "sqlite:///a.db")
    words = ("show", str(row["id"]), "--source", "--archive", "sqlite:///a.db")
    assert evolve(tmp_path, *words).stdout == PROGRAM
    shown = on_a_terminal(tmp_path, *words)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\u241b[2J" in shown
    assert "\u27e8U+202E\u27e9" in shown
