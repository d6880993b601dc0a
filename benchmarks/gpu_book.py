"""What the GPU script has done so far: one JSON file, rewritten after every item, so that a later slice goes on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MOST_CUTS = 2  # of an item by the end of a slice, before it counts as failed
_LIBRARIES = ("numpy", "scipy", "torch", "triton")


class Status(StrEnum):
    """How an item ended."""

    DONE = "done"
    FAILED = "failed"
    CUT = "cut"  # by the end of a slice: the next one starts it anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item's last try."""

    status: Status
    seconds: float
    date: str
    commit: str
    result: Mapping[str, Any] = field(default_factory=dict)  # JSON, as the item made it
    error: str = ""
    cuts: int = 0


class Book:
    """All entries, on disk."""

    def __init__(self, path: Path, *, dry: bool, commit_of_copy: str = "") -> None:
        self._path = path
        self._dry = dry
        self._commit = commit() or commit_of_copy
        self._environment = environment()
        self.entries: dict[str, Entry] = _read(path) if path.exists() else {}

    def is_open(self, name: str) -> bool:
        """Whether an item still has to be run."""
        entry = self.entries.get(name)
        return entry is None or entry.status is Status.CUT

    def write(self, name: str, entry: Entry) -> None:
        """Keep an entry; the file is whole at any moment."""
        self.entries[name] = entry
        content = {
            "measured": not self._dry,
            "note": "a dry run on a CPU: no figure here is a measurement" if self._dry else "",
            "environment": self._environment,
            "items": {name: asdict(entry) for name, entry in self.entries.items()},
        }
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        fresh.replace(self._path)

    def ended(
        self, name: str, seconds: float, *, result: Mapping[str, Any] | None = None, error: str = "", cut: bool = False
    ) -> Entry:
        """Record how an item ended; one that was cut too often has failed."""
        before = self.entries.get(name)
        cuts = (before.cuts if before else 0) + cut
        status = Status.DONE if result is not None else Status.CUT if cut and cuts < MOST_CUTS else Status.FAILED
        entry = Entry(
            status=status,
            seconds=round(seconds, 2),
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            commit=self._commit,
            result=result or {},
            error=error,
            cuts=cuts,
        )
        self.write(name, entry)
        return entry

    def results(self) -> dict[str, Mapping[str, Any]]:
        """The results of all items that are done."""
        return {name: entry.result for name, entry in self.entries.items() if entry.status is Status.DONE}


def environment() -> dict[str, Any]:
    """Where this runs; libraries by their metadata, so that none is imported."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "nvidia_smi": _said(["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]),
    }


def commit() -> str:
    """The checkout's commit, with ``+`` where files differ from it; empty without git."""
    return _said(["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"])


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "none"


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _read(path: Path) -> dict[str, Entry]:
    items = json.loads(path.read_text(encoding="utf-8"))["items"]
    return {name: Entry(**{**raw, "status": Status(raw["status"])}) for name, raw in items.items()}
