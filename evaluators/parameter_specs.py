"""What a task's parameters are declared with: a line for each."""

from __future__ import annotations

from evaluators.contract import Parameter, ParameterKind


def integer(name: str, default: int, low: int, high: int, description: str) -> Parameter:
    """A whole number from `low` to `high`."""
    kind = ParameterKind.INTEGER
    return Parameter(name=name, kind=kind, default=default, minimum=low, maximum=high, description=description)


def number(name: str, default: float, low: float, high: float, description: str) -> Parameter:
    """A number from `low` to `high`."""
    kind = ParameterKind.NUMBER
    return Parameter(name=name, kind=kind, default=default, minimum=low, maximum=high, description=description)


def choice(name: str, default: str, choices: tuple[str, ...], description: str) -> Parameter:
    """One of several words."""
    return Parameter(name=name, kind=ParameterKind.CHOICE, default=default, choices=choices, description=description)


def file(name: str, description: str, library: str = "") -> Parameter:
    """A file of the user's, or one of a library's by its name; none until set."""
    return Parameter(name=name, kind=ParameterKind.FILE, default="", description=description, library=library)
