"""From a text to the verdict on it. Runs in the parser's process only: the text may be made to break it.

A child differs from its parent in one function as a rule, so what can be said of a top-level statement alone is
remembered by its text.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from evaluators.sandbox.plain_text import one_line
from evolve.novelty.known import form_digest
from evolve.novelty.normal_form import normal_form
from evolve.parsing.verdict import DefinedName, NameKind, Verdict
from evolve.syntax import other_bindings, own_nodes

_FILE = "<program>"
_DEEP = 20_000  # frames of Python for a walk over a tree that the compiler took with its own limit
_MAX_NAMES = 1000
_REMEMBERED = 4096  # statements
_MAX_NAME_CHARS = 200
_MESSAGE_CHARS = 300
_LINE_CHARS = 100
_DEFINE_UNSEEN = frozenset({"exec", "globals", "locals", "vars", "setattr", "__import__", "__builtins__"})


def examine(source: str) -> Verdict:
    """The verdict on `source`; never raises for a text, but may need more memory or time than there is.

    The bytes of the text are parsed and compiled as a candidate's child does it, declared encodings included.
    """
    try:
        tree = ast.parse(source.encode(), _FILE)
        compile(tree, _FILE, "exec", dont_inherit=True)
    except SyntaxError as error:
        return Verdict(error=_syntax_error(error, source), line=error.lineno or 0)
    except (MemoryError, RecursionError):
        return Verdict(error="the program is too large or too deeply nested for Python's compiler")
    except (ValueError, OverflowError) as error:
        return Verdict(error=f"the program cannot be parsed: {one_line(str(error), _MESSAGE_CHARS)}")
    try:
        parts = _parts(source, tree)
        return Verdict(
            names=_defined_names(tree),
            defines_more=any(part.defines_more for part in parts),
            ast_digest=_digest(parts),
        )
    except MemoryError:
        return Verdict(error="the program takes too much memory to read")


def _syntax_error(error: SyntaxError, source: str) -> str:
    """With the line itself: whoever wrote edits does not know the numbers of the lines."""
    message = one_line(error.msg, _MESSAGE_CHARS)
    lines = source.splitlines()
    if not error.lineno or error.lineno > len(lines):
        return f"syntax error: {message}"
    return f"syntax error in line {error.lineno}, {one_line(lines[error.lineno - 1], _LINE_CHARS)!r}: {message}"


@dataclass(frozen=True, slots=True)
class _Part:
    form: str | None  # its normal form; None where that cannot be written
    defines_more: bool


def _parts(source: str, tree: ast.Module) -> list[_Part]:
    """One part for each top-level statement if each has lines of its own; else the program is one part."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    places = [(_first_line(statement), statement.end_lineno or 0) for statement in tree.body]
    shares_lines = any(start <= end for (_, end), (start, _) in pairwise(places))
    if not shares_lines and not any("coding" in line for line in lines[:2]):
        with contextlib.suppress(SyntaxError, RecursionError):  # such as a decorator that begins a line early
            return [_part("\n".join(lines[start - 1 : end])) for start, end in places]
    return [_part_of(tree)]


@lru_cache(maxsize=_REMEMBERED)
def _part(text: str) -> _Part:
    return _part_of(ast.parse(text))


def _part_of(tree: ast.Module) -> _Part:
    return _Part(_form(tree), any(map(_may_define, ast.walk(tree))))


def _form(tree: ast.Module) -> str | None:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(_DEEP)
    try:
        return normal_form(tree)
    except (RecursionError, ValueError):  # ValueError: a whole number too long to write out
        return None
    finally:
        sys.setrecursionlimit(usual)


def _digest(parts: Sequence[_Part]) -> str:
    forms = [part.form for part in parts if part.form is not None]
    return form_digest("".join(forms)) if len(forms) == len(parts) else ""


def _first_line(statement: ast.stmt) -> int:
    match statement:
        case ast.FunctionDef(decorator_list=[first, *_]) | ast.ClassDef(decorator_list=[first, *_]):
            return first.lineno
        case ast.AsyncFunctionDef(decorator_list=[first, *_]):
            return first.lineno
        case _:
            return statement.lineno


def _defined_names(tree: ast.Module) -> tuple[DefinedName, ...]:
    found: dict[str, tuple[int, DefinedName]] = {}
    for node in own_nodes(tree):
        for defined in _bound_by(node):
            line = _line(node)
            if defined.name not in found or line > found[defined.name][0]:
                found[defined.name] = (line, defined)  # the last binding is what a caller finds
    ordered = sorted(found.values(), key=lambda entry: (entry[0], entry[1].name))
    return tuple(defined for _, defined in ordered[:_MAX_NAMES])


def _bound_by(node: ast.AST) -> list[DefinedName]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [_named(name, NameKind.FUNCTION)]
        case ast.ClassDef(name=name, body=body):
            methods = [inner.name for inner in body if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)]
            return [_named(name, NameKind.CLASS, tuple(method[:_MAX_NAME_CHARS] for method in methods[:_MAX_NAMES]))]
        case ast.Name(id=name, ctx=ast.Store()):
            return [_named(name, NameKind.OTHER)]
        case _:
            return [_named(name, NameKind.OTHER) for name in other_bindings(node)]


def _named(name: str, kind: NameKind, methods: tuple[str, ...] = ()) -> DefinedName:
    return DefinedName(name=name[:_MAX_NAME_CHARS], kind=kind, methods=methods)


def _line(node: ast.AST) -> int:
    match node:
        case ast.stmt(lineno=line) | ast.expr(lineno=line) | ast.alias(lineno=line) | ast.pattern(lineno=line):
            return line
        case ast.ExceptHandler(lineno=line):
            return line
        case _:
            return 0


def _may_define(node: ast.AST) -> bool:
    match node:
        case ast.Name(id=name):
            return name in _DEFINE_UNSEEN
        case ast.Global() | ast.alias(name="*"):
            return True
        case _:
            return False
