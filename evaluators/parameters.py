"""Reads `--set name=value` into the kinds that a task declares."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from evaluators.contract import ContractError, Parameter, ParameterKind, ParameterValue, Task
from evaluators.folder_files import absolute
from evaluators.registry import did_you_mean


def read_settings(task: Task, settings: Mapping[str, ParameterValue | str]) -> dict[str, ParameterValue]:
    """The task's parameters with `settings` applied, strings read as the declared kind.

    Raises:
        ContractError: Unknown name (the nearest is named), wrong kind, out of range, or a file that cannot be read.
    """
    specs = {spec.name: spec for spec in task.parameter_specs}
    for name in settings:
        if name not in specs:
            raise ContractError(f"task {task.name} has no parameter {name!r}{did_you_mean(name, tuple(specs))}")
    return {**task.parameters, **{name: read_value(specs[name], value) for name, value in settings.items()}}


def read_value(spec: Parameter, value: ParameterValue | str) -> ParameterValue:
    """`value` as the kind of `spec`.

    Raises:
        ContractError: It is not of that kind, or outside what the parameter allows.
    """
    match spec.kind:
        case ParameterKind.INTEGER | ParameterKind.NUMBER:
            return _in_range(spec, _number(spec, value))
        case ParameterKind.CHOICE:
            if value not in spec.choices:
                raise ContractError(f"{spec.name}: expected one of {', '.join(spec.choices)}, found {value!r}")
            return value
        case ParameterKind.FILE | ParameterKind.FOLDER:
            return _path_with_digest(spec, str(value))


def library_files(package: str) -> dict[str, Path]:
    """The JSON files of a package by their stems, in order; empty for no package."""
    if not package:
        return {}
    entries = (Path(str(entry)) for entry in resources.files(package).iterdir())
    return {path.stem: path for path in sorted(entries) if path.suffix == ".json"}


def file_path(value: ParameterValue) -> Path:
    """The path inside a value of a file or folder, ``path@sha256``; of a library's file, its name."""
    return Path(str(value).rpartition("@")[0])


def _number(spec: Parameter, value: ParameterValue | str) -> int | float:
    kind = int if spec.kind is ParameterKind.INTEGER else float
    try:
        number = kind(value)
    except (ValueError, OverflowError):  # the latter of an infinity as an integer
        number = None
    if number is None or number != number or (isinstance(value, float) and number != value):
        raise ContractError(f"{spec.name}: expected {_article(spec.kind)}, found {value!r}")
    return number


def _in_range(spec: Parameter, number: int | float) -> int | float:
    low = float("-inf") if spec.minimum is None else spec.minimum
    high = float("inf") if spec.maximum is None else spec.maximum
    if not low <= number <= high:
        raise ContractError(f"{spec.name}: expected a value from {low:g} to {high:g}, found {number}")
    return number


def _article(kind: ParameterKind) -> str:
    return "an integer" if kind is ParameterKind.INTEGER else "a number"


def _path_with_digest(spec: Parameter, value: str) -> str:
    """``path@sha256``; an unset path stays the empty string, and a value that has its digest is checked against it.

    The name of a library's file stays a name, so that it is found on another machine too.
    """
    if not value:
        return ""
    path, _, digest = value.rpartition("@")
    known = digest if path and len(digest) == 64 else ""
    given = path if known else value
    library = library_files(spec.library)
    file = library.get(given) or _absolute(spec, given)
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise ContractError(f"{spec.name}: {file} is a pipe or a device, which can be read once; expected a file")
    try:
        found = _digest(file) if spec.kind is ParameterKind.FILE else _folder_digest(file)
    except OSError as error:
        names = f"; known by name: {', '.join(library) or 'none yet'}" if spec.library else ""
        raise ContractError(f"{spec.name}: cannot read {file}: {error.strerror}{names}") from error
    if known and known != found:
        raise ContractError(
            f"{spec.name}: {file} has changed since it was named (SHA-256 {known[:12]} is now {found[:12]})"
        )
    return f"{given if given in library else file}@{found}"


def _absolute(spec: Parameter, given: str) -> Path:
    try:
        return absolute(given)
    except ContractError as error:
        raise ContractError(f"{spec.name}: {error}") from error


def _digest(file: Path) -> str:
    with file.open("rb") as content:  # in pieces: how large it may be is the reader's to say
        return hashlib.file_digest(content, "sha256").hexdigest()


def _folder_digest(folder: Path) -> str:
    """SHA-256 over the names and digests of all files below a folder.

    Raises:
        OSError: It is no folder, or something in it cannot be read.
    """
    os.scandir(folder).close()  # raises where there is none
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    lines = [f"{_digest(file)} {file.relative_to(folder).as_posix()}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
