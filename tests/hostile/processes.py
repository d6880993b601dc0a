"""Which processes live below, or in a session below, another one."""

from __future__ import annotations

from pathlib import Path


def descendants(pid: int) -> set[int]:
    """Living processes started by `pid` and its descendants, those that were adopted by init included."""
    parents, sessions = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        process = int(path.parent.name)
        if fields[0] not in "ZX":
            parents[process], sessions[process] = int(fields[1]), int(fields[3])
    found: set[int] = set()
    while True:
        leaders = found | {pid}
        more = {p for p in parents if parents[p] in leaders or (sessions[p] in found)} - leaders
        if not more:
            return found
        found |= more
