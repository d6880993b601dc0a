"""A parsed program: where its evolvable nodes stand in the text, and how to splice text over them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate

from evolve.blocks import find_blocks
from evolve.genetic.kinds import Kind, Kinds, function_kinds, module_kinds
from evolve.genetic.parts import Part, Site, run_part, split_program
from evolve.genetic.scopes import Bound
from evolve.genetic.shapes import Shapes, are_shaped_alike, find_shapes, shape_of
from evolve.novelty.known import form_digest
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


@dataclass(frozen=True, slots=True)
class Scopes:
    """Which names mean something in a program, and where."""

    module_names: Bound
    undefined: frozenset[tuple[str, str]]  # (function, name) of loads without a meaning
    bound_before: Mapping[ast.stmt, Bound]


@dataclass(frozen=True, eq=False)
class Program:
    """A source text with its tree; `sites` are the nodes wholly inside an EVOLVE-BLOCK, in the order of the text."""

    source: str
    data: bytes
    line_starts: tuple[int, ...]
    parts: tuple[Part, ...]
    sites: tuple[Site, ...]
    _kinds: dict[FunctionNode, Kinds] = field(default_factory=dict)
    _shapes: dict[FunctionNode, Shapes] = field(default_factory=dict)

    @cached_property
    def tree(self) -> ast.Module:
        """The whole syntax tree."""
        return ast.Module(body=[statement for part in self.parts for statement in part.tree.body], type_ignores=[])

    @cached_property
    def digest(self) -> str:
        """Its `ast_digest`."""
        return form_digest("".join(part.form for part in self.parts))

    @cached_property
    def scopes(self) -> Scopes:
        """What is in scope where."""
        names = frozenset().union(*(part.names for part in self.parts))
        bound: Bound = frozenset()
        undefined: set[tuple[str, str]] = set()
        bound_before: dict[ast.stmt, Bound] = {}
        for part in self.parts:
            flow = run_part(part, bound, names)
            bound = flow.bound_after
            undefined |= flow.undefined
            bound_before |= flow.bound_before
        return Scopes(names, frozenset(undefined), bound_before)

    @cached_property
    def module_kinds(self) -> dict[str, Kind]:
        """The kinds of the module's names."""
        return module_kinds(self.tree)

    def kinds(self, function: FunctionNode | None) -> Kinds:
        """The kinds of the names that `function`, or else the module, can see."""
        return self.module_kinds if function is None else self._function_kinds(function)

    def shapes(self, function: FunctionNode | None) -> Shapes:
        """Which arrays of `function` have the same shape."""
        if function is None:
            return {}
        if function not in self._shapes:
            self._shapes[function] = find_shapes(function, self.kinds(function))
        return self._shapes[function]

    def alike_names(self, site: Site, node: ast.AST, kind: Kind) -> list[str]:
        """Visible variables of this kind that could stand for `node`; of arrays those of its shape, if any is known."""
        kinds, shapes = self.kinds(site.function), self.shapes(site.function)
        alike = [name for name in self.visible_names(site) if kinds.get(name, Kind.UNKNOWN) is kind]
        shape = shape_of(node, kinds)
        shaped = [name for name in alike if are_shaped_alike(name, shape, shapes) and name != shape]
        return shaped or alike

    def visible_names(self, site: Site) -> list[str]:
        """Variables that an expression at `site` may read, sorted; no functions, classes or modules."""
        names = self.bound_before(site.statement)
        if site.function is not None:
            names |= self.scopes.module_names
        kinds = self.kinds(site.function)
        return sorted(name for name in names if kinds.get(name, Kind.UNKNOWN) is not Kind.CALLABLE)

    def local_names(self, site: Site) -> list[str]:
        """Those of `visible_names` that the function bound itself."""
        bound = self.bound_before(site.statement)
        return [name for name in self.visible_names(site) if name in bound]

    def bound_before(self, statement: ast.stmt) -> Bound:
        """The locals (at module level: the names) that are certainly bound where `statement` begins."""
        return self.scopes.bound_before.get(statement, frozenset())

    def _function_kinds(self, function: FunctionNode) -> Kinds:
        if function not in self._kinds:
            self._kinds[function] = function_kinds(function, self.module_kinds)
        return self._kinds[function]

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
        """The source with `edits` made. They must not overlap; an insertion goes before what begins at its place."""
        pieces: list[bytes] = []
        kept = 0
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
            pieces += [self.data[kept : edit.start], edit.text.encode()]
            kept = edit.end
        return b"".join([*pieces, self.data[kept:]]).decode()


def put_expression(program: Program, site: Site, text: str) -> Edit:
    """The edit that puts the expression `text` at `site`, in parentheses where it would otherwise be torn apart."""
    if isinstance(site.parent, _TIGHT_PARENTS) and not is_atom(text):
        start, end = program.span(site.node)
        if (program.data[start - 1 : start], program.data[end : end + 1]) != (b"(", b")"):
            text = f"({text})"
    return program.replace(site.node, text)


_TIGHT_PARENTS = (
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Attribute,
    ast.Starred,
    ast.NamedExpr,
    ast.comprehension,
)


def is_atom(text: str) -> bool:
    """Whether an expression needs no parentheses as an operand."""
    match ast.parse(text, mode="eval").body:
        case ast.Name() | ast.Constant() | ast.Call() | ast.Subscript() | ast.Attribute() | ast.List() | ast.Dict():
            return True
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return True
        case _:
            return False


@lru_cache(maxsize=128)
def known_program(source: str) -> Program:
    """`parse_program`, remembered: the same parents come up again and again."""
    return parse_program(source)


@lru_cache(maxsize=128)
def known_donor(source: str) -> Program:
    """A program to take from: from its blocks, or from anywhere if it has none."""
    return parse_program(source, anywhere=not find_blocks(source))


_BARE_RETURN = re.compile(r"\r(?!\n)")


def parse_program(source: str, *, anywhere: bool = False) -> Program:
    """`source` parsed; with `anywhere`, every node is a site, blocks or not.

    Raises:
        SyntaxError: It does not parse, or has carriage returns without newlines, which would shift every place.
        BlockError: Its EVOLVE-BLOCK markers do not pair up.
    """
    if _BARE_RETURN.search(source):
        raise SyntaxError("carriage return without a newline")
    data = source.encode()
    line_starts = (0, *accumulate(len(line) + 1 for line in data.split(b"\n")))
    parts = split_program(source)
    if anywhere:
        sites = [site for part in parts for site in part.sites]
    else:
        bounds = [(block.first_line, block.last_line) for block in find_blocks(source)]
        sites = [
            site for part in parts if _touches(part, bounds) for site in part.sites if _is_inside(site.node, bounds)
        ]
    return Program(source, data, line_starts, parts, tuple(sites))


def _touches(part: Part, bounds: Sequence[tuple[int, int]]) -> bool:
    spans = [(node.lineno, node.end_lineno or node.lineno) for node in part.tree.body]
    return any(first <= high and low <= last for first, last in spans for low, high in bounds)


def _is_inside(node: ast.expr | ast.stmt, bounds: Sequence[tuple[int, int]]) -> bool:
    last = node.end_lineno or node.lineno
    return any(low <= node.lineno and last <= high for low, high in bounds)
