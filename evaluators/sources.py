"""What a user hands over on the command line: program files and ``NAME=VALUE`` settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluators.contract import ContractError


def read_program(path: Path) -> str:
    """The text of a program file.

    Raises:
        ContractError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ContractError(f"cannot read the program {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ContractError(
            f"{path} is not UTF-8 text (byte {error.start} is {error.object[error.start]:#04x})"
        ) from error


def read_assignments(assignments: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` strings as a mapping.

    Raises:
        ContractError: One has no ``=``.
    """
    for assignment in assignments:
        if "=" not in assignment:
            raise ContractError(f"expected --set NAME=VALUE, found --set {assignment}")
    return {name: value for name, _, value in (assignment.partition("=") for assignment in assignments)}
