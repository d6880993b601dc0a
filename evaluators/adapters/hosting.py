"""What a child loads in place of a program that needs a host: the host's text, with the program as text in it.

Tasks whose scorer must share the program's process have one (`child_host.py`), and tasks that name one.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from evaluators.contract import Task

SELF_SCORER = "evaluators.adapters:child_host.py"


def as_loaded(task: Task, source: str) -> str:
    """The text that the child of `task` loads for a program."""
    host = SELF_SCORER if task.self_scored else task.host
    return hosted(source, host) if host else source


def hosted(source: str, host: str) -> str:
    """The module `host`, as ``package:file`` or ``package:file+file``, with `source` as text in its `PROGRAM`."""
    return f"{_text(host)}\nPROGRAM = {source!r}\n"


@cache
def _text(host: str) -> str:
    package, _, files = host.partition(":")
    return "\n".join(resources.files(package).joinpath(file).read_text(encoding="utf-8") for file in files.split("+"))
