"""Digests of our own source, so that a result can say which code made it."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path


@cache
def source_digest(directory: Path = Path(__file__).parent) -> str:
    """Twelve hex digits over every Python file below `directory`, by default the sandbox's."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*.py")):
        digest.update(path.relative_to(directory).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
