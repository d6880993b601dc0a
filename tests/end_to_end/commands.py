"""Runs `evolve` as a user does: in a process of its own, in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

JsonObject = dict[str, object]


def evolve(folder: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The finished process of ``evolve WORDS``."""
    return subprocess.run(
        [sys.executable, "-m", "evolve.cli", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "160", **(env or {})},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A process of ``evolve WORDS`` that runs, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "evolve.cli", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def evolve_json(folder: Path, *words: str) -> JsonObject:
    """What a command that must succeed printed as a JSON object."""
    done = evolve(folder, *words, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def evolve_rows(folder: Path, *words: str) -> list[JsonObject]:
    """What a command that must succeed printed as a JSON list of objects."""
    done = evolve(folder, *words, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found
