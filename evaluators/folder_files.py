"""Which files of a task's folder are its code, and their digest: an edit makes another task."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from evaluators.contract import ContractError

NOT_CODE = frozenset({"seeds", "tests", "build", "dist", "__pycache__"})  # folders; hidden ones and *.egg-info too
MAX_FOLDER_BYTES = 32 << 20  # a folder this large is not a task, or holds data that should be named by a parameter


def absolute(word: str) -> Path:
    """The path that a user wrote, absolute or from here, ``~`` or ``~somebody`` as in a shell.

    Raises:
        ContractError: It names the home of nobody, or is no path at all.
    """
    try:
        return Path(word).expanduser().resolve()
    except (RuntimeError, ValueError) as error:
        raise ContractError(f"{word!r} is no path here: {error}") from error


def code_files(folder: Path) -> dict[str, bytes]:
    """Python files outside `NOT_CODE`, and every file below ``data``, by relative path.

    Raises:
        ContractError: They cannot be read, or are more than `MAX_FOLDER_BYTES`.
    """
    return read_files(folder, [path for path in _walk(folder) if path.suffix == ".py" or _is_data(folder, path)])


def all_files(folder: Path) -> dict[str, bytes]:
    """Every file that is not hidden, generated, documentation or an archive of ours, by relative path.

    Raises:
        ContractError: They cannot be read, or are more than `MAX_FOLDER_BYTES`.
    """
    return read_files(folder, [path for path in _walk(folder) if not _is_output(path)])


def read_files(folder: Path, paths: list[Path]) -> dict[str, bytes]:
    """Contents by path relative to `folder`, in order of path.

    Raises:
        ContractError: They cannot be read, or are more than `MAX_FOLDER_BYTES`.
    """
    try:
        total_bytes = sum(path.stat().st_size for path in paths)
        if total_bytes > MAX_FOLDER_BYTES:
            raise ContractError(
                f"the task's files in {folder} are {total_bytes >> 20} MiB, at most {MAX_FOLDER_BYTES >> 20} are read: "
                "is this the folder of a task?"
            )
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}
    except OSError as error:
        raise ContractError(f"cannot read {error.filename}: {error.strerror}") from error


def digest(files: dict[str, bytes]) -> str:
    """Twelve hex digits over names and contents."""
    found = hashlib.sha256()
    for name, content in files.items():
        found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:12]


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in NOT_CODE or path.name.endswith(".egg-info"):
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.is_file():
            yield path


def _is_data(folder: Path, path: Path) -> bool:
    return path.relative_to(folder).parts[0] == "data"


def _is_output(path: Path) -> bool:
    return (
        path.suffix in {".md", ".pyc", ".log"}
        or any(part.startswith(".db") for part in path.suffixes)
        or "openevolve_output" in path.parts
    )
