"""A new task from a template: text in, files out, nothing else. The template is a task that works as it is."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Collection, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from evolve.errors import EvolveError

TEMPLATE_NAME = "my_task"  # stands for the new name in every file of the template, names of files included
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_GENERATED = frozenset({"__pycache__"})


class ScaffoldError(EvolveError):
    """A task that cannot be made: a name that will not do, or a folder that is there already."""


def check_name(name: str, taken: Collection[str]) -> None:
    """That a task, a package and a folder may have this name.

    Raises:
        ScaffoldError: They may not; the text says what would do.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")
        remedy = f", such as {near}" if _NAME.fullmatch(near) and not keyword.iskeyword(near) else ""
        raise ScaffoldError(
            f"a task's name is lower-case letters, digits and underscores, and no keyword{remedy}; found {name!r}"
        )
    if name in taken:
        raise ScaffoldError(f"there is a task {name!r} already; see `evolve tasks`")
    if name in sys.stdlib_module_names or name in {"evolve", "evaluators", "archive", "seeds", "dashboard"}:
        raise ScaffoldError(f"{name!r} is the name of a Python module that the task would hide: choose another")


def files(name: str) -> dict[str, str]:
    """The new task's files, text by relative path, in order of path."""
    template = resources.files(__package__).joinpath("template")
    named = {path.replace(TEMPLATE_NAME, name): text.replace(TEMPLATE_NAME, name) for path, text in _texts(template)}
    return dict(sorted(named.items()))


def write(folder: Path, name: str) -> list[Path]:
    """Make the folder with the new task's files; their paths.

    Raises:
        ScaffoldError: The folder is there and not empty, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ScaffoldError(f"{folder} is there already and not empty: choose another name or place")
    paths = []
    try:
        for relative, text in files(name).items():
            path = folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            paths.append(path)
    except OSError as error:
        raise ScaffoldError(f"cannot write {error.filename}: {error.strerror}") from error
    return paths


def _texts(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name not in _GENERATED:
                yield from _texts(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_text(encoding="utf-8")
