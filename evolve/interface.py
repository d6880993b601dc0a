"""What a program's EVOLVE-BLOCKs must define: the names that the fixed code around them uses.

That code is the task's own or the user's, so it may be read here; what is between the markers is not.
"""

from __future__ import annotations

import builtins
import symtable
from functools import lru_cache

from evaluators.contract import Task
from evolve.blocks import BlockError, outside_blocks
from evolve.parsing.verdict import Verdict, missing_entry_points

_GIVEN = frozenset(dir(builtins)) | {"__file__", "__name__", "__annotations__"}


def names_needed(source: str) -> tuple[str, ...]:
    """The names that the code outside the markers reads and does not bind at its top level, sorted.

    Empty where that code cannot be read by itself, as with markers inside a function, or that do not pair up.
    """
    try:
        return _unbound("".join(outside_blocks(source)))
    except BlockError:
        return ()


def shortcoming(task: Task, source: str, verdict: Verdict) -> str:
    """Why a program is not worth running, in one sentence: it does not parse, or lacks what it must define."""
    return verdict.error or missing_entry_points(task, verdict) or missing_names(source, verdict)


def missing_names(source: str, verdict: Verdict) -> str:
    """One sentence on names that the code outside the markers needs and the program lacks; empty if it lacks none."""
    if verdict.error or verdict.defines_more:
        return ""
    defined = {name.name for name in verdict.names}
    missing = [name for name in names_needed(source) if name not in defined]
    if not missing:
        return ""
    return f"the code outside the EVOLVE-BLOCK markers uses {told(missing)}, which the program no longer defines"


def told(names: list[str] | tuple[str, ...]) -> str:
    """Names in a sentence."""
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


@lru_cache(maxsize=64)
def _unbound(text: str) -> tuple[str, ...]:
    try:
        top = symtable.symtable(text, "<outside>", "exec")
    except (SyntaxError, ValueError):
        return ()
    bound = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    bound |= {child.get_name() for child in top.get_children()}  # functions and classes
    return tuple(sorted(_read_globally(top) - bound - _GIVEN))


def _read_globally(table: symtable.SymbolTable) -> set[str]:
    is_top = table.get_type() == "module"
    read = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (is_top or s.is_global())}
    return read.union(*map(_read_globally, table.get_children()))
