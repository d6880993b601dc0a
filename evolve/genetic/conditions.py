"""Operators on decisions: comparisons, and what is negated, joined or dropped in a condition."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import numpy as np

from evolve.genetic.chance import pick
from evolve.genetic.expressions import one_line, replace_between
from evolve.genetic.kinds import Kind, kind_of
from evolve.genetic.parts import Site
from evolve.genetic.program import Change, Program, put_expression
from evolve.syntax import names_read_in

COMPARISONS: Mapping[str, tuple[str, ...]] = {  # operator -> what it may become
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
    "==": ("!=",),
    "!=": ("==",),
}
_SYMBOLS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_THRESHOLDS = (0, 1, 0.5, 0.1, 2)


def swap_comparison(program: Program, rng: np.random.Generator) -> Change | None:
    """A comparison becomes stricter, looser or reversed."""
    found = []
    for site in program.sites:
        match site.node:
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in _SYMBOLS:
                found.append((site, left, right, _SYMBOLS[type(operator)]))
            case _:
                pass
    if not found:
        return None
    site, left, right, old = pick(found, rng)
    return replace_between(program, site, left, right, old, pick(COMPARISONS[old], rng))


def change_condition(program: Program, rng: np.random.Generator) -> Change | None:
    """A condition is negated, joined with another one, or loses a part."""
    sites = condition_sites(program)
    if not sites:
        return None
    site = pick(sites, rng)
    rule = pick((_negate, _join, _join, _drop_part, _swap_and_or), rng)
    text = rule(program, site, rng) or _negate(program, site, rng)
    summary = f"condition {one_line(program.text(site.node))} -> {text} ({site.place})"
    return Change((put_expression(program, site, text),), summary)


def condition_sites(program: Program) -> list[Site]:
    """Where a program decides. Not the tests of `while`: a loop that never ends costs a whole time limit."""
    return [site for site in program.sites if site.field == "test" and isinstance(site.parent, ast.If | ast.IfExp)]


def new_condition(program: Program, site: Site, rng: np.random.Generator) -> str | None:
    """A condition that can be evaluated at `site`: one that the program has elsewhere, or a number and a threshold."""
    visible = frozenset(program.visible_names(site)) | program.scopes.module_names
    known = [other for other in condition_sites(program) if other.statement is not site.statement]
    usable = [other for other in known if names_read_in(other.node) <= visible]
    if usable and rng.random() < 0.5:
        return one_line(program.text(pick(usable, rng).node))
    kinds = program.kinds(site.function)
    local = program.local_names(site)  # a comparison of constants alone decides nothing
    numbers = [name for name in local if kinds.get(name) in (Kind.NUMBER, Kind.COUNT)]
    if not numbers:
        return None
    return f"{pick(numbers, rng)} {pick(('>', '<', '>=', '<='), rng)} {pick(_THRESHOLDS, rng)!r}"


def _negate(program: Program, site: Site, rng: np.random.Generator) -> str:  # noqa: ARG001 -- one shape for every rule
    match site.node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return one_line(program.text(operand))
        case ast.Name() | ast.Call() | ast.Attribute() | ast.Subscript():
            return f"not {one_line(program.text(site.node))}"
        case _:
            return f"not ({one_line(program.text(site.node))})"


def _join(program: Program, site: Site, rng: np.random.Generator) -> str | None:
    other = new_condition(program, site, rng)
    if other is None or not _is_plain_condition(program, site):
        return None
    return f"({one_line(program.text(site.node))}) {pick(('and', 'or'), rng)} ({other})"


def _is_plain_condition(program: Program, site: Site) -> bool:
    assert isinstance(site.node, ast.expr)
    return kind_of(site.node, program.kinds(site.function)) is not Kind.MASK


def _drop_part(program: Program, site: Site, rng: np.random.Generator) -> str | None:
    match site.node:
        case ast.BoolOp(values=values):
            return one_line(program.text(pick(values, rng)))
        case _:
            return None


def _swap_and_or(program: Program, site: Site, rng: np.random.Generator) -> str | None:  # noqa: ARG001 -- as above
    match site.node:
        case ast.BoolOp(op=operator, values=values):
            joint = " or " if isinstance(operator, ast.And) else " and "
            return joint.join(f"({one_line(program.text(value))})" for value in values)
        case _:
            return None
