"""What a program's EVOLVE-BLOCKs must define, and must not: the names that the fixed code uses, or defines again.

That code is the task's own or the user's, so it may be read here; what is between the markers is not.
"""

from __future__ import annotations

import builtins
import re
import symtable
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from evaluators.contract import Task
from evolve.blocks import BlockError, find_blocks, outside_blocks
from evolve.parsing.verdict import Verdict, missing_entry_points

_GIVEN = frozenset(dir(builtins)) | {"__file__", "__name__", "__annotations__"}
_WORD = re.compile(r"(?<![\w.])\w+")  # attributes are left out
_DEFINITION = re.compile(r"^(?:async def|def|class)[ \t]+(\w+)", re.MULTILINE)  # at the top level
_TEXT = re.compile(  # comments and strings: what they mention is not called
    r"""#[^\n]*|\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)


def names_needed(task: Task, source: str) -> tuple[str, ...]:
    """The names that the code outside the markers reads and does not bind at its top level, sorted.

    Of its functions and classes only those count that can be reached: entry points of the task, those whose names occur
    between the markers, and what these use. A program that calls none of them owes them nothing. Empty where the code
    cannot be read by itself, as with markers inside a function, or that do not pair up.
    """
    outside, bodies = _sides(source)
    frame = _frame("".join(outside))
    mentioned = {word for body in bodies for word in _WORD.findall(_TEXT.sub(" ", body))}
    entries = {entry.name for entry in task.entry_points}
    reached, found = set[str](), frame.loose
    todo = [name for name in frame.reads if name in mentioned or name in entries]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            found |= frame.reads[name]
            todo += [used for used in frame.reads[name] if used in frame.reads]
    return tuple(sorted(found - frame.bound - _GIVEN))


def shortcoming(task: Task, source: str, verdict: Verdict) -> str:
    """Why a program is not worth running, in one sentence: it does not parse, or lacks what it must define."""
    return (
        verdict.error
        or missing_entry_points(task, verdict)
        or missing_names(task, source, verdict)
        or overridden_names(source)
    )


def missing_names(task: Task, source: str, verdict: Verdict) -> str:
    """One sentence on names that the code outside the markers needs and the program lacks; empty if it lacks none."""
    if verdict.error or verdict.defines_more:
        return ""
    defined = {name.name for name in verdict.names}
    missing = [name for name in names_needed(task, source) if name not in defined]
    if not missing:
        return ""
    return f"the code outside the EVOLVE-BLOCK markers uses {told(missing)}, which the program no longer defines"


def overridden_names(source: str) -> str:
    """One sentence on what is defined between the markers and again in the code below them; empty if nothing is."""
    outside, bodies = _sides(source)
    below = _frame("".join(outside[-1:])).reads
    twice = sorted({name for body in bodies for name in _DEFINITION.findall(body)} & below.keys())
    if not twice:
        return ""
    return f"the code below the EVOLVE-BLOCK markers defines {told(twice)} again, and that counts: choose another name"


def _sides(source: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The texts around the blocks, and those in them; none where the markers do not pair up."""
    try:
        return outside_blocks(source), tuple(block.body(source) for block in find_blocks(source))
    except BlockError:
        return (), ()


def told(names: list[str] | tuple[str, ...]) -> str:
    """Names in a sentence."""
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The code outside the markers: what it binds, and what its parts read of the module."""

    bound: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()  # read by statements that always run
    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by function or class


@lru_cache(maxsize=64)
def _frame(text: str) -> _Frame:
    """Empty for a text that does not parse by itself."""
    try:
        top = symtable.symtable(text, "<outside>", "exec")
    except (SyntaxError, ValueError):
        return _Frame()
    bound = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    reads = dict[str, frozenset[str]]()
    for part in top.get_children():  # functions and classes; one that is defined again reads what both do
        reads[part.get_name()] = reads.get(part.get_name(), frozenset()) | _read_globally(part)
    loose = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    return _Frame(frozenset(bound | reads.keys()), frozenset(loose), reads)


def _read_globally(table: symtable.SymbolTable) -> frozenset[str]:
    read = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and symbol.is_global()}
    return frozenset(read).union(*map(_read_globally, table.get_children()))
