"""A parsed program: where its evolvable nodes stand in the text, and how to splice text over them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evolve.blocks import find_blocks
from evolve.syntax import FunctionNode


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the bytes from `start` to `end` of a source by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """What an operator does to a program, with one line for the people who read it."""

    edits: tuple[Edit, ...]
    summary: str


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A node that may change, with what stands around it."""

    node: ast.expr | ast.stmt
    parent: ast.AST
    field: str  # of `parent`, in which `node` stands
    function: FunctionNode | None  # the innermost around it; None at module level

    @property
    def place(self) -> str:
        """Where it is, for a summary."""
        where = "module" if self.function is None else self.function.name
        return f"{where}, line {self.node.lineno}"


@dataclass(frozen=True, eq=False)
class Program:
    """A source text with its tree; `sites` are the nodes wholly inside an EVOLVE-BLOCK, in the order of the text."""

    source: str
    data: bytes
    line_starts: tuple[int, ...]
    tree: ast.Module
    sites: tuple[Site, ...]

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where `node` starts and ends, in bytes."""
        if node.end_lineno is None or node.end_col_offset is None:
            raise ValueError(f"{ast.dump(node)} was made by hand: it has no place in a source")
        start = self.line_starts[node.lineno - 1] + node.col_offset
        return start, self.line_starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr | ast.stmt) -> str:
        """The source of `node`."""
        start, end = self.span(node)
        return self.data[start:end].decode()

    def replace(self, node: ast.expr | ast.stmt, text: str) -> Edit:
        """The edit that puts `text` in the place of `node`."""
        return Edit(*self.span(node), text)

    def apply(self, edits: Sequence[Edit]) -> str:
        """The source with `edits` made; they must not overlap."""
        pieces: list[bytes] = []
        kept = 0
        for edit in sorted(edits, key=lambda edit: edit.start):
            pieces += [self.data[kept : edit.start], edit.text.encode()]
            kept = edit.end
        return b"".join([*pieces, self.data[kept:]]).decode()


@lru_cache(maxsize=256)
def parse_program(source: str) -> Program:
    """`source` parsed; remembered, because the same parents come up again and again.

    Raises:
        SyntaxError: It does not parse.
        BlockError: Its EVOLVE-BLOCK markers do not pair up.
    """
    data = source.encode()
    tree = ast.parse(source)
    lines = data.split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    bounds = [(block.first_line, block.last_line) for block in find_blocks(source)]
    return Program(source, data, tuple(starts), tree, tuple(_sites_inside(tree, bounds)))


def _sites_inside(tree: ast.Module, bounds: Sequence[tuple[int, int]]) -> Iterator[Site]:
    for site in _all_sites(tree, None):
        last = site.node.end_lineno or site.node.lineno
        if any(low <= site.node.lineno and last <= high for low, high in bounds):
            yield site


def _all_sites(parent: ast.AST, function: FunctionNode | None) -> Iterator[Site]:
    for field, node in _child_slots(parent):
        if isinstance(node, ast.expr | ast.stmt):
            yield Site(node, parent, field, function)
        yield from _all_sites(node, node if isinstance(node, FunctionNode) else function)


def _child_slots(parent: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The children that may change: no annotations, decorators, docstrings, imports or inside of f-strings."""
    if isinstance(parent, ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list", "type_comment", "type_params", "ctx"):
            continue
        for node in _nodes_of(value):
            if not is_docstring(node):
                yield field, node


def _nodes_of(value: object) -> Iterable[ast.AST]:
    if isinstance(value, ast.AST):
        return [value]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, ast.AST)]
    return []


def is_docstring(node: ast.AST) -> bool:
    """Whether `node` is a statement that is only a text: a docstring, or a comment in disguise."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
