"""Code carried from one place to another: its names are replaced by those that mean something there."""

from __future__ import annotations

import ast

import numpy as np

from evolve.genetic.chance import pick
from evolve.genetic.expressions import is_value, one_line
from evolve.genetic.kinds import Kind, kind_of
from evolve.genetic.layout import indent_at, lines_of, reindented
from evolve.genetic.parts import Site
from evolve.genetic.program import Change, Program, put_expression
from evolve.genetic.scopes import BUILTINS, names_bound_in
from evolve.genetic.shapes import are_shaped_alike, shape_of
from evolve.syntax import Comprehension, names_read_in, names_stored_in

_CONDITIONS = (ast.Compare, ast.BoolOp)
_VALUES = (Kind.ARRAY, Kind.INDEX, Kind.MASK, Kind.NUMBER, Kind.COUNT)
Renaming = dict[str, str]


def copy_expression(program: Program, rng: np.random.Generator) -> Change | None:
    """An expression is replaced by another one of the program that is of the same kind."""
    return expression_from(program, program, rng)


def expression_from(program: Program, donor: Program, rng: np.random.Generator) -> Change | None:
    """An expression is replaced by one of `donor` of the same kind; mostly from the same function and shaped alike."""
    sites = _exchangeable(program)
    sources = _exchangeable(donor)
    for _ in range(8 if sites and sources else 0):
        site = pick(sites, rng)
        alike = [source for source in sources if _are_alike(program, site, donor, source)]
        shaped = [source for source in alike if _are_shaped_alike(program, site, donor, source)]
        if not alike:
            continue
        source = pick(shaped if shaped and rng.random() < 0.85 else alike, rng)
        text = expression_text(program, site, donor, source, rng)
        if text is not None and text != program.text(site.node):
            summary = f"{_short(program.text(site.node))} -> {_short(text)} ({site.place})"
            return Change((put_expression(program, site, text),), summary)
    return None


def expression_text(program: Program, site: Site, donor: Program, source: Site, rng: np.random.Generator) -> str | None:
    """The expression at `source` with names that are bound at `site`, on one line; None if some have no counterpart."""
    renaming = _renaming(program, site, donor, source, rng)
    if renaming is None:
        return None
    start, end = donor.span(source.node)
    return one_line(_renamed(donor, source.node, renaming, start, end))


def statement_text(program: Program, place: Site, donor: Program, source: Site, rng: np.random.Generator) -> str | None:
    """The lines of the statement at `source`, to stand before `place`; None if a name has no counterpart.

    What it stores must be read in the function that it comes to, else it would do nothing.
    """
    renaming = _renaming(program, place, donor, source, rng)
    if renaming is None or place.function is None or lines_of(donor, source.statement) is None:
        return None
    stored = _stored_renaming(program, place, donor, source, rng)
    if stored is None:
        return None
    start, end = donor.span(source.node)
    text = _renamed(donor, source.node, {**renaming, **stored}, start, end)
    old_indent = indent_at(donor, source.statement)
    return reindented(old_indent + text, indent_at(program, place.statement))


def _stored_renaming(
    program: Program, place: Site, donor: Program, source: Site, rng: np.random.Generator
) -> Renaming | None:
    assert place.function is not None
    read = names_read_in(place.function)
    own = names_bound_in(place.function)
    donor_kinds, kinds = donor.kinds(source.function), program.kinds(place.function)
    renaming: Renaming = {}
    for name in stored_outright(source.node):
        if name in own and name in read:
            continue
        kind = donor_kinds.get(name, Kind.UNKNOWN)
        targets = sorted(other for other in own & read if kinds.get(other, Kind.UNKNOWN) is kind)
        if not targets:
            return None
        renaming[name] = pick(targets, rng)
    return renaming


def stored_outright(node: ast.AST) -> list[str]:
    """The variables that a statement stores, but for its loop variables."""
    loops = [inner.target for inner in ast.walk(node) if isinstance(inner, ast.For | ast.comprehension)]
    in_loops = {name for target in loops for name in names_stored_in(target)}
    return [name for name in dict.fromkeys(names_stored_in(node)) if name not in in_loops]


def _renaming(program: Program, site: Site, donor: Program, source: Site, rng: np.random.Generator) -> Renaming | None:
    """Names that are read in `source` and mean nothing at `site`, with a name of the same kind for each."""
    visible = program.visible_names(site)
    usable = frozenset(visible) | program.scopes.module_names | BUILTINS
    donor_kinds, kinds = donor.kinds(source.function), program.kinds(site.function)
    renaming: Renaming = {}
    for name in sorted(names_read_in(source.node) - _bound_within(source.node) - usable):
        kind = donor_kinds.get(name, Kind.UNKNOWN)
        counterparts = [other for other in visible if kinds.get(other, Kind.UNKNOWN) is kind]
        if kind is Kind.CALLABLE or not counterparts:
            return None
        renaming[name] = pick(counterparts, rng)
    return renaming


def _bound_within(node: ast.AST) -> frozenset[str]:
    """Loop variables, which a piece of code brings with it."""
    loops = (inner for inner in ast.walk(node) if isinstance(inner, Comprehension | ast.For))
    return frozenset(name for loop in loops for name in names_stored_in(loop))


def _renamed(program: Program, node: ast.AST, renaming: Renaming, start: int, end: int) -> str:
    """The text from `start` to `end` with the variables in it renamed."""
    names = [name for name in ast.walk(node) if isinstance(name, ast.Name) and name.id in renaming]
    pieces: list[bytes] = []
    for name in sorted(names, key=program.span):
        name_start, name_end = program.span(name)
        pieces += [program.data[start:name_start], renaming[name.id].encode()]
        start = name_end
    return b"".join([*pieces, program.data[start:end]]).decode()


def _exchangeable(program: Program) -> list[Site]:
    return [site for site in program.sites if site.function is not None and _is_exchangeable(program, site)]


def _is_exchangeable(program: Program, site: Site) -> bool:
    match site.node:
        case ast.Compare() | ast.BoolOp():
            return True
        case ast.Name():
            return False
        case _:
            return is_value(program, site, _VALUES)


def _are_alike(program: Program, site: Site, donor: Program, source: Site) -> bool:
    if source.node is site.node or not isinstance(site.node, ast.expr) or not isinstance(source.node, ast.expr):
        return False
    if isinstance(site.node, _CONDITIONS) != isinstance(source.node, _CONDITIONS):
        return False
    return kind_of(site.node, program.kinds(site.function)) is kind_of(source.node, donor.kinds(source.function))


def _are_shaped_alike(program: Program, site: Site, donor: Program, source: Site) -> bool:
    """Whether both stand in functions of one name, and give numbers or arrays of one shape there."""
    if site.function is None or source.function is None or site.function.name != source.function.name:
        return False
    kinds = program.kinds(site.function)
    here, there = shape_of(site.node, kinds), shape_of(source.node, donor.kinds(source.function))
    return here == there or are_shaped_alike(here, there, program.shapes(site.function))


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else f"{flat[:57]}..."
