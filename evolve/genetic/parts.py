"""A module cut into its top-level statements, so that what an edit did not touch need not be read again.

A child differs from its parent in one function as a rule. Everything that can be said about one part alone is worked
out once per text and line, and shared by all programs that hold it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from evolve.genetic.scopes import Bound, Flow, names_bound_in, run_statements
from evolve.novelty.normal_form import normal_form
from evolve.syntax import FunctionNode

CACHED = 1024  # parts remembered: some tens of megabytes
MAX_JOINED = 32  # pieces that did not parse alone, before the program is parsed as a whole
_NEW_PART = re.compile(r"^(?![ \t\r\n#)\]}]|else\b|elif\b|except\b|finally\b)", re.MULTILINE)


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
class Part:
    """One or more top-level statements with the places they have in their program."""

    text: str
    tree: ast.Module

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """Every node that may change, wherever the blocks are, in the order of the text."""
        tops = (Site(statement, self.tree, "body", statement, None) for statement in self.tree.body)
        return tuple(site for top in tops for site in _sites_from(top))

    @cached_property
    def names(self) -> Bound:
        """The module names it binds."""
        return names_bound_in(self.tree)

    @property
    def form(self) -> str:
        """Its normal form."""
        return _form_of(self.text)

    @cached_property
    def compiles(self) -> bool:
        """Whether the compiler takes it: it refuses some of what the grammar allows, as a `break` outside loops."""
        try:
            compile(self.tree, "<part>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return False
        return True


def split_program(source: str) -> tuple[Part, ...]:
    """The parts of a program.

    A cut before each line that is not indented may be wrong, inside a text of several lines, say: then the piece does
    not parse on its own and is joined to the next. If all pieces parse, so does the whole, to the same statements.

    Raises:
        SyntaxError: The program does not parse.
    """
    try:
        return tuple(_parts(source))
    except SyntaxError:
        return (_part(source, 1),)


def _parts(source: str) -> Iterator[Part]:
    line, held, num_joined = 1, "", 0
    for piece in _pieces(source):
        held += piece
        try:
            part = _part(held, line)
        except SyntaxError:
            num_joined += 1
            if num_joined > MAX_JOINED:
                raise
            continue
        yield part
        line += held.count("\n")
        held = ""
    if held:
        yield _part(held, line)


@lru_cache(maxsize=CACHED)
def run_part(part: Part, bound: Bound, module_names: Bound) -> Flow:
    """What happens to names in a part, where the module has bound these before it and has those in all."""
    return run_statements(part.tree.body, bound, module_names)


@lru_cache(maxsize=CACHED)
def _part(text: str, first_line: int) -> Part:
    return Part(text, ast.parse("\n" * (first_line - 1) + text))


@lru_cache(maxsize=CACHED)
def _form_of(text: str) -> str:
    return normal_form(ast.parse(text))


def _pieces(source: str) -> Iterator[str]:
    cuts = [0, *(match.start() for match in _NEW_PART.finditer(source) if match.start() > 0), len(source)]
    return (source[start:end] for start, end in pairwise(cuts) if start < end)


def _sites_from(site: Site) -> Iterator[Site]:
    """A site and those below it, in the order of the fields."""
    if is_docstring(site.node):
        return
    yield site
    function = site.node if isinstance(site.node, FunctionNode) else site.function
    yield from _sites_below(site.node, site.statement, function)


def _sites_below(parent: ast.AST, statement: ast.stmt, function: FunctionNode | None) -> Iterator[Site]:
    for name, node in _child_slots(parent):
        if isinstance(node, ast.expr):
            yield from _sites_from(Site(node, parent, name, statement, function))
        elif isinstance(node, ast.stmt):
            yield from _sites_from(Site(node, parent, name, node, function))
        else:
            yield from _sites_below(node, statement, function)


def _child_slots(parent: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The children that may change: no annotations, decorators, imports or inside of f-strings."""
    if isinstance(parent, ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    for name, value in ast.iter_fields(parent):
        if name in ("annotation", "returns", "decorator_list", "type_comment", "type_params", "ctx"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST):
                yield name, node


def is_docstring(node: ast.AST) -> bool:
    """Whether `node` is a statement that is only a text: a docstring, or a comment in disguise."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
