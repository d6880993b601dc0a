"""From a text to the verdict on it. Runs in the parser's process only: the text may be made to break it."""

from __future__ import annotations

import ast
import sys

from evaluators.sandbox.plain_text import one_line
from evolve.novelty import tree_digest
from evolve.parsing.verdict import DefinedName, NameKind, Verdict
from evolve.shingles import shingles
from evolve.syntax import other_bindings, own_nodes

_FILE = "<program>"
_DEEP = 20_000  # frames of Python for a walk over a tree that the compiler took with its own limit
_MAX_NAMES = 1000
_MAX_NAME_CHARS = 200
_MESSAGE_CHARS = 300
_DEFINE_UNSEEN = frozenset({"exec", "globals", "locals", "vars", "setattr", "__import__", "__builtins__"})


def examine(source: str) -> Verdict:
    """The verdict on `source`; never raises for a text, but may need more memory or time than there is.

    The bytes of the text are parsed and compiled as a candidate's child does it, declared encodings included.
    """
    try:
        tree = ast.parse(data := source.encode(), _FILE)
        compile(data, _FILE, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = error.lineno or 0
        where = f" in line {line}" if line else ""
        return Verdict(error=f"syntax error{where}: {one_line(error.msg, _MESSAGE_CHARS)}", line=line)
    except (MemoryError, RecursionError):
        return Verdict(error="the program is too large or too deeply nested for Python's compiler")
    except (ValueError, OverflowError) as error:
        return Verdict(error=f"the program cannot be parsed: {one_line(str(error), _MESSAGE_CHARS)}")
    return Verdict(
        names=_defined_names(tree),
        defines_more=_defines_more(tree),
        ast_digest=_digest(tree),
        shingles=_shingles(source),
    )


def _digest(tree: ast.Module) -> str:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(_DEEP)
    try:
        return tree_digest(tree)
    except (RecursionError, MemoryError, ValueError):  # ValueError: a whole number too long to write out
        return ""
    finally:
        sys.setrecursionlimit(usual)


def _shingles(source: str) -> tuple[int, ...]:
    try:
        return shingles(source)
    except (SyntaxError, MemoryError):
        return ()


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


def _defines_more(tree: ast.Module) -> bool:
    return any(_may_define(node) for node in ast.walk(tree))


def _may_define(node: ast.AST) -> bool:
    match node:
        case ast.Name(id=name):
            return name in _DEFINE_UNSEEN
        case ast.Global() | ast.alias(name="*"):
            return True
        case _:
            return False
