"""Operators on statements: copied, deleted, exchanged, repeated, put under a condition or freed from one."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from evolve.genetic.chance import pick, shuffled
from evolve.genetic.conditions import new_condition
from evolve.genetic.layout import (
    holds_long_text,
    indent_at,
    insert_before,
    line_span,
    lines_of,
    reindented,
    replace_lines,
    siblings,
)
from evolve.genetic.parts import Site
from evolve.genetic.program import Change, Edit, Program
from evolve.genetic.transplant import statement_text, stored_outright
from evolve.syntax import names_read_in, names_stored_in

STEP = "    "
MAX_COPIED_LINES = 8
_MOVABLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.If, ast.For)
_LEAVES = (ast.Return, ast.Break, ast.Continue, ast.Raise, ast.Yield, ast.YieldFrom)


def copy_statement(program: Program, rng: np.random.Generator) -> Change | None:
    """A statement of the program is done again elsewhere, with names that are bound there."""
    return insert_from(program, program, rng)


def insert_from(program: Program, donor: Program, rng: np.random.Generator) -> Change | None:
    """A statement of `donor` is inserted into `program`, with names that are bound there."""
    places = movable_sites(program)
    sources = [site for site in movable_sites(donor) if _num_lines(site.node) <= MAX_COPIED_LINES]
    for _ in range(6 if places and sources else 0):
        place, source = pick(places, rng), pick(sources, rng)
        if source.node is place.node:
            continue
        text = statement_text(program, place, donor, source, rng)
        edit = None if text is None else insert_before(program, place.statement, text)
        if text is not None and edit is not None:
            return Change((edit,), f"inserted `{_first_line(text)}` ({place.place})")
    return None


def delete_statement(program: Program, rng: np.random.Generator) -> Change | None:
    """A statement goes; never the last of its body, and nothing that leaves a function or a loop."""
    sites = [site for site in _skippable_sites(program) if len(siblings(site)) > 1]
    for site in shuffled(sites, rng)[:4]:
        edit = replace_lines(program, site.statement, "")
        if edit is not None:
            return Change((edit,), f"deleted `{_first_line(program.text(site.node))}` ({site.place})")
    return None


def swap_statements(program: Program, rng: np.random.Generator) -> Change | None:
    """Two neighbours, one of which builds on the other, change places."""
    sites = movable_sites(program)
    skippable = frozenset(_skippable_sites(program))
    pairs = [(one, other) for one in sites for other in sites if one in skippable and _leads_to(one, other)]
    if not pairs:
        return None
    one, other = pick(pairs, rng)
    first_span, second_span = line_span(program, one.statement), line_span(program, other.statement)
    if first_span is None or second_span is None:
        return None
    first, second = (program.data[start:end].decode() for start, end in (first_span, second_span))
    edits = Edit(*first_span, second), Edit(*second_span, first)
    return Change(edits, f"swapped `{_first_line(first)}` and `{_first_line(second)}` ({one.place})")


def repeat_statement(program: Program, rng: np.random.Generator) -> Change | None:
    """A statement that builds on its own result is done twice."""
    sites = [site for site in movable_sites(program) if _builds_on_itself(site.statement)]
    if not sites:
        return None
    site = pick(sites, rng)
    text = lines_of(program, site.statement)
    edit = None if text is None else insert_before(program, site.statement, text)
    return None if edit is None else Change((edit,), f"repeated `{_first_line(text or '')}` ({site.place})")


def guard_statement(program: Program, rng: np.random.Generator) -> Change | None:
    """A statement is done only under a condition."""
    sites = _skippable_sites(program)
    if not sites:
        return None
    site = pick(sites, rng)
    condition = new_condition(program, site, rng)
    text = lines_of(program, site.statement)
    if condition is None or text is None:
        return None
    indent = indent_at(program, site.statement)
    edit = replace_lines(program, site.statement, f"{indent}if {condition}:\n{reindented(text, indent + STEP)}")
    return None if edit is None else Change((edit,), f"only if {condition}: `{_first_line(text)}` ({site.place})")


def free_statement(program: Program, rng: np.random.Generator) -> Change | None:
    """What was done under a condition is done always."""
    sites = [site for site in program.sites if isinstance(site.node, ast.If) and not site.node.orelse]
    if not sites:
        return None
    site = pick(sites, rng)
    assert isinstance(site.node, ast.If)
    if not all(_is_movable(statement) for statement in site.node.body):
        return None
    parts = [lines_of(program, statement) for statement in site.node.body]
    if any(part is None for part in parts):
        return None
    indent = indent_at(program, site.node)
    edit = replace_lines(program, site.node, "".join(reindented(part, indent) for part in parts if part))
    summary = f"always, not if {program.text(site.node.test)} ({site.place})"
    return None if edit is None else Change((edit,), summary)


@lru_cache(maxsize=128)
def movable_sites(program: Program) -> Sequence[Site]:
    """Statements inside functions that may be copied or moved: none that leaves its function or loop."""
    return [site for site in program.sites if site.function is not None and _is_movable(site.node)]


def _is_movable(node: ast.AST) -> bool:
    if not isinstance(node, _MOVABLE) or holds_long_text(node):
        return False
    return not any(isinstance(inner, _LEAVES) for inner in ast.walk(node))


def _leads_to(one: Site, other: Site) -> bool:
    if one.parent is not other.parent or one.field != other.field:
        return False
    body = siblings(one)
    if body.index(one.statement) + 1 != body.index(other.statement):
        return False
    return bool(_changed_by(one.node) & _mentioned_in(other.node) or _changed_by(other.node) & _mentioned_in(one.node))


def _changed_by(node: ast.AST) -> frozenset[str]:
    """Variables that a statement stores, wholly or in part (``x[i] = ...``)."""
    targets = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Subscript) and _is_stored(inner)]
    partly = (target.id for target in targets if isinstance(target, ast.Name))
    return frozenset((*names_stored_in(node), *partly))


def _mentioned_in(node: ast.AST) -> frozenset[str]:
    return names_read_in(node) | frozenset(names_stored_in(node))


def _is_stored(node: ast.Subscript) -> bool:
    return isinstance(node.ctx, ast.Store)


def _skippable_sites(program: Program) -> list[Site]:
    """Movable statements without which every name they store would still be bound."""
    sites = movable_sites(program)
    return [site for site in sites if program.bound_before(site.statement).issuperset(stored_outright(site.node))]


def _builds_on_itself(statement: ast.stmt) -> bool:
    match statement:
        case ast.AugAssign() | ast.For():
            return True
        case ast.Assign(value=value):
            return bool(names_read_in(value) & frozenset(names_stored_in(statement)))
        case _:
            return False


def _num_lines(node: ast.AST) -> int:
    assert isinstance(node, ast.stmt)
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= 70 else f"{line[:67]}..."
