"""A parsed program: where its evolvable nodes stand in the text, and how to splice text over them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from evolve.blocks import find_blocks
from evolve.genetic.kinds import Kind, Kinds, function_kinds, module_kinds
from evolve.genetic.scopes import Scopes, find_scopes
from evolve.novelty import tree_digest
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
    statement: ast.stmt  # the innermost around it, or itself
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
    _kinds: dict[FunctionNode, Kinds] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Its `ast_digest`."""
        return tree_digest(self.tree)

    @cached_property
    def scopes(self) -> Scopes:
        """What is in scope where."""
        return find_scopes(self.tree)

    @cached_property
    def module_kinds(self) -> dict[str, Kind]:
        """The kinds of the module's names."""
        return module_kinds(self.tree)

    def kinds(self, function: FunctionNode | None) -> Kinds:
        """The kinds of the names that `function`, or else the module, can see."""
        return self.module_kinds if function is None else self._function_kinds(function)

    def visible_names(self, site: Site) -> list[str]:
        """Variables that an expression at `site` may read, sorted; no functions, classes or modules."""
        bound = self.scopes.bound_before.get(site.statement, frozenset())
        names = bound if site.function is None else bound | self.scopes.module_names
        kinds = self.kinds(site.function)
        return sorted(name for name in names if kinds.get(name, Kind.UNKNOWN) is not Kind.CALLABLE)

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
        """The source with `edits` made; they must not overlap."""
        pieces: list[bytes] = []
        kept = 0
        for edit in sorted(edits, key=lambda edit: edit.start):
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


@lru_cache(maxsize=64)
def known_program(source: str) -> Program:
    """`parse_program`, remembered: the same parents come up again and again."""
    return parse_program(source)


def parse_program(source: str) -> Program:
    """`source` parsed.

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
    for statement in tree.body:
        first, last = statement.lineno, statement.end_lineno or statement.lineno
        if any(first <= high and low <= last for low, high in bounds):
            for site in _sites_of(Site(statement, tree, "body", statement, None)):
                if _is_inside(site.node, bounds):
                    yield site


def _is_inside(node: ast.expr | ast.stmt, bounds: Sequence[tuple[int, int]]) -> bool:
    last = node.end_lineno or node.lineno
    return any(low <= node.lineno and last <= high for low, high in bounds)


def _sites_of(site: Site) -> Iterator[Site]:
    """A site and those below it, in the order of the fields."""
    if is_docstring(site.node):
        return
    yield site
    function = site.node if isinstance(site.node, FunctionNode) else site.function
    yield from _sites_below(site.node, site.statement, function)


def _sites_below(parent: ast.AST, statement: ast.stmt, function: FunctionNode | None) -> Iterator[Site]:
    for name, node in _child_slots(parent):
        if isinstance(node, ast.expr):
            yield from _sites_of(Site(node, parent, name, statement, function))
        elif isinstance(node, ast.stmt):
            yield from _sites_of(Site(node, parent, name, node, function))
        else:
            yield from _sites_below(node, statement, function)


def _child_slots(parent: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The children that may change: no annotations, decorators, docstrings, imports or inside of f-strings."""
    if isinstance(parent, ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    for name, value in ast.iter_fields(parent):
        if name in ("annotation", "returns", "decorator_list", "type_comment", "type_params", "ctx"):
            continue
        for node in _nodes_of(value):
            yield name, node


def _nodes_of(value: object) -> Iterable[ast.AST]:
    if isinstance(value, ast.AST):
        return [value]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, ast.AST)]
    return []


def is_docstring(node: ast.AST) -> bool:
    """Whether `node` is a statement that is only a text: a docstring, or a comment in disguise."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
