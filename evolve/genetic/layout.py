"""Statements as lines of text: where they begin and end, and how they are moved to another indentation."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from evolve.genetic.parts import Site
from evolve.genetic.program import Edit, Program

_DECORATED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def siblings(site: Site) -> Sequence[ast.stmt]:
    """The body in which a statement stands, itself included."""
    for name, value in ast.iter_fields(site.parent):
        if name == site.field and isinstance(value, list):
            return value
    return []


def line_span(program: Program, statement: ast.stmt) -> tuple[int, int] | None:
    """The bytes of the whole lines of a statement, its last newline included.

    None where it shares a line with something else or is an `elif`.
    """
    start, end = program.span(statement)
    first = line_start(program, statement)
    newline = program.data.find(b"\n", end)
    last = len(program.data) if newline < 0 else newline + 1
    rest = program.data[end:last].strip()
    before = b"" if _is_decorated(statement) else program.data[first:start].strip()
    shares_line = before != b"" or (rest != b"" and not rest.startswith(b"#"))
    if shares_line or program.data[start : start + 4] == b"elif":
        return None
    return first, last


def line_start(program: Program, statement: ast.stmt) -> int:
    """Where the first line of a statement begins, in bytes; its decorators belong to it."""
    line = statement.lineno
    if isinstance(statement, _DECORATED) and statement.decorator_list:
        line = statement.decorator_list[0].lineno
    return program.line_starts[line - 1]


def lines_of(program: Program, statement: ast.stmt) -> str | None:
    """The whole lines of a statement, or None as in `line_span`."""
    span = line_span(program, statement)
    return None if span is None else program.data[span[0] : span[1]].decode()


def reindented(text: str, indent: str) -> str:
    """Whole lines moved so that the first begins with `indent`."""
    lines = text.splitlines(keepends=True)
    old = indent_of(lines[0])
    moved = [indent + line.removeprefix(old) if line.strip() else line for line in lines]
    return "".join(moved) if moved[-1].endswith("\n") else "".join(moved) + "\n"


def indent_of(line: str) -> str:
    """The white space that a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def indent_at(program: Program, statement: ast.stmt) -> str:
    """The white space before a statement that stands alone on its lines."""
    start = program.line_starts[statement.lineno - 1]
    return program.data[start : start + statement.col_offset].decode()


def replace_lines(program: Program, statement: ast.stmt, text: str) -> Edit | None:
    """The edit that puts whole lines in the place of a statement."""
    span = line_span(program, statement)
    return None if span is None else Edit(*span, text)


def insert_before(program: Program, statement: ast.stmt, text: str) -> Edit | None:
    """The edit that puts whole lines before a statement."""
    span = line_span(program, statement)
    return None if span is None else Edit(span[0], span[0], text)


def _is_decorated(statement: ast.stmt) -> bool:
    return isinstance(statement, _DECORATED) and bool(statement.decorator_list)


def holds_long_text(statement: ast.stmt) -> bool:
    """Whether a statement holds a text of several lines, which must not be moved to another indentation."""
    texts = (node for node in ast.walk(statement) if isinstance(node, ast.Constant | ast.JoinedStr))
    return any(node.lineno != node.end_lineno for node in texts)
