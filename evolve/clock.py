"""What time it is, in the archive's form."""

from __future__ import annotations

from datetime import UTC, datetime


def timestamp() -> str:
    """Now, UTC, ISO 8601 with seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
