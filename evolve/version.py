"""What software a run was made with."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path


def software_version() -> str:
    """``evenkeel VERSION`` and, in a checkout, its commit (with ``+`` when files differ from it)."""
    commit = _commit(Path(__file__).resolve().parent.parent)
    return f"evenkeel {metadata.version('evenkeel')}" + (f" {commit}" if commit else "")


def _commit(root: Path) -> str:
    """Twelve hex digits of the checkout's commit; empty for an installed wheel or without git."""
    if not (root / ".git").exists():
        return ""
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return described.stdout.strip()
