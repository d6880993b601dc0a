"""What a child loads in place of a program whose scorer must share its process: the host, with the program as text."""

from __future__ import annotations

from functools import cache
from importlib import resources


def hosted(source: str) -> str:
    """A module that holds `source` as text and can call an evaluator on it; see `evaluators/adapters/child_host.py`."""
    return f"{_host()}\nPROGRAM = {source!r}\n"


@cache
def _host() -> str:
    return resources.files(__package__).joinpath("child_host.py").read_text(encoding="utf-8")
