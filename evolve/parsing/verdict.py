"""What the parser says of a text. Standard library and the shared vocabulary only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evaluators.contract import EntryPoint, Task

_NAMES_TOLD = 12


class NameKind(StrEnum):
    """How a name is bound."""

    FUNCTION = "function"
    CLASS = "class"
    OTHER = "other"  # assigned, imported


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinedName:
    """A name that a program binds at its top level."""

    name: str
    kind: NameKind
    methods: tuple[str, ...] = ()  # of a class, as its body defines them


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One text. Where `error` is not empty, nothing else is said."""

    error: str = ""  # one sentence for whoever wrote the text; empty: it parses and compiles
    line: int = 0  # of a syntax error, from 1; 0 where it has none
    names: tuple[DefinedName, ...] = ()  # in the order of the text
    defines_more: bool = False  # by means that reading does not show: exec, globals(), import *
    ast_digest: str = ""  # `evolve.novelty.known.ast_digest`; empty where the tree is too deep for it


def missing_entry_points(task: Task, verdict: Verdict) -> str:
    """One sentence on the entry points of `task` that a program lacks; empty if it lacks none, or may define more."""
    if verdict.error or verdict.defines_more:
        return ""
    defined = [name.name for name in verdict.names]
    missing = [point for point in task.entry_points if point.name not in defined]
    if not missing:
        return ""
    wanted = " and ".join(f"`{point.name}` ({_first_line(point)})" for point in missing)
    told = ", ".join(defined[:_NAMES_TOLD]) + (", ..." if len(defined) > _NAMES_TOLD else "")
    return f"the program does not define {wanted} at its top level; it defines {told or 'nothing'}"


def _first_line(point: EntryPoint) -> str:
    return point.signature.partition("\n")[0]
