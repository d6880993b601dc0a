"""Operators with two parents: numbers blended, definitions, statements and expressions taken over from a donor."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence

import numpy as np

from evolve.genetic.chance import pick
from evolve.genetic.constants import number_of, number_sites, perturbed, round_like
from evolve.genetic.layout import line_start, lines_of, replace_lines
from evolve.genetic.program import Change, Edit, Program, put_expression
from evolve.genetic.scopes import BUILTINS, names_bound_in
from evolve.genetic.statements import insert_from
from evolve.genetic.transplant import expression_from
from evolve.syntax import names_read_in, names_stored_in, other_bindings

Definition = ast.FunctionDef | ast.Assign

MAX_HELPERS = 8  # definitions that a taken function may bring along


def blend_constants(program: Program, donor: Program, rng: np.random.Generator) -> Change | None:
    """Named numbers move to the donor's value, or part of the way or beyond it, each with probability one half."""
    theirs = named_numbers(donor)
    ours = named_numbers(program)
    differing = [name for name in ours if name in theirs and theirs[name] != ours[name]]
    if not differing:
        return None
    chosen = [name for name in differing if rng.random() < 0.5] or [pick(differing, rng)]
    edits, notes = [], []
    for site, value in number_sites(program):
        name = _assigned_name(site.parent)
        if site.function is None and name in chosen:
            new = blended(value, theirs[name], rng)
            edits.append(put_expression(program, site, repr(new)))
            notes.append(f"{name} {value!r} -> {new!r}")
    return Change(tuple(edits), ", ".join(notes))


def blended(ours: float, theirs: float, rng: np.random.Generator) -> int | float:
    """Between the two, or a little beyond; ints stay ints. Positive numbers are blended on a log scale."""
    share = float(rng.choice([1.0, 0.5, rng.uniform(-0.25, 1.25)]))
    if share == 1.0 and type(ours) is type(theirs):
        return theirs
    if ours > 0 and theirs > 0:
        mixed = math.exp((1.0 - share) * math.log(ours) + share * math.log(theirs))
    else:
        mixed = (1.0 - share) * ours + share * theirs
    new = round_like(ours, mixed)
    return new if new != ours else perturbed(ours, rng)


def take_definitions(program: Program, donor: Program, rng: np.random.Generator) -> Change | None:
    """Functions and named constants are taken from the donor, each that differs with probability one half."""
    differing = _differing(program, donor)
    if not differing:
        return None
    chosen = [name for name in differing if rng.random() < 0.5] or [pick(differing, rng)]
    return _take(program, donor, chosen)


def take_function(program: Program, donor: Program, rng: np.random.Generator) -> Change | None:
    """One whole function of the same name and parameters is taken from the donor."""
    ours = definitions(program)
    functions = [name for name in _differing(program, donor) if isinstance(ours[name], ast.FunctionDef)]
    return _take(program, donor, [pick(functions, rng)]) if functions else None


def take_statement(program: Program, donor: Program, rng: np.random.Generator) -> Change | None:
    """A statement of the donor is inserted, with names that are bound there."""
    return insert_from(program, donor, rng)


def take_expression(program: Program, donor: Program, rng: np.random.Generator) -> Change | None:
    """An expression is replaced by one of the donor that is of the same kind."""
    return expression_from(program, donor, rng)


def definitions(program: Program) -> dict[str, Definition]:
    """Functions and named constants inside the blocks, by their name; methods as ``Class.method``."""
    found: dict[str, Definition] = {}
    for site in program.sites:
        match site.node:
            case ast.FunctionDef(name=name) as node if site.function is None:
                owner = f"{site.parent.name}." if isinstance(site.parent, ast.ClassDef) else ""
                found[f"{owner}{name}"] = node
            case ast.Assign(targets=[ast.Name(id=name)]) as node if isinstance(site.parent, ast.Module):
                found[name] = node
            case _:
                pass
    return found


def named_numbers(program: Program) -> dict[str, int | float]:
    """The module's named constants that are numbers."""
    found = {}
    for name, node in definitions(program).items():
        value = number_of(node.value) if isinstance(node, ast.Assign) else None
        if value is not None:
            found[name] = value
    return found


def _assigned_name(node: ast.AST) -> str:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case _:
            return ""


def _differing(program: Program, donor: Program) -> list[str]:
    """Names that both define with the same parameters and another text."""
    ours, theirs = definitions(program), definitions(donor)
    return [name for name, node in ours.items() if name in theirs and _may_replace(program, node, donor, theirs[name])]


def _may_replace(program: Program, node: Definition, donor: Program, other: Definition) -> bool:
    match node, other:
        case ast.FunctionDef(args=one), ast.FunctionDef(args=two):
            return ast.dump(_bare(one)) == ast.dump(_bare(two)) and program.text(node) != donor.text(other)
        case ast.Assign(), ast.Assign():
            return ast.dump(node.value) != ast.dump(other.value)
        case _:
            return False


def _bare(arguments: ast.arguments) -> ast.arguments:
    """Parameters by their number and kind; a donor may name and annotate them differently."""
    return ast.arguments(
        posonlyargs=[],
        args=[ast.arg(arg="") for _ in (*arguments.posonlyargs, *arguments.args)],
        vararg=arguments.vararg and ast.arg(arg=""),
        kwonlyargs=[ast.arg(arg=argument.arg) for argument in arguments.kwonlyargs],
        kw_defaults=[],
        kwarg=arguments.kwarg and ast.arg(arg=""),
        defaults=[ast.Constant(value=None) for _ in arguments.defaults],
    )


def _take(program: Program, donor: Program, chosen: Sequence[str]) -> Change | None:
    ours, theirs = definitions(program), definitions(donor)
    edits = []
    for name in chosen:
        edit = replace_lines(program, ours[name], lines_of(donor, theirs[name]) or "")
        if edit is None or not edit.text:
            return None
        edits.append(edit)
    helpers = _missing_helpers(program, donor, [theirs[name] for name in chosen])
    if helpers:
        edits.append(_before_first(program, edits, helpers))
    return Change(tuple(edits), f"took {', '.join(chosen)} from a donor")


def _before_first(program: Program, edits: Sequence[Edit], text: str) -> Edit:
    """The edit that puts whole lines before the top-level statement that the first of `edits` is in."""
    first = min(edit.start for edit in edits)
    starts = [line_start(program, statement) for statement in program.tree.body]
    place = max(start for start in starts if start <= first)
    return Edit(place, place, text)


def _missing_helpers(program: Program, donor: Program, taken: Sequence[Definition]) -> str:
    """What the taken definitions need of the donor's module and the program does not have, in the donor's order."""
    available = {name: statement for statement in donor.tree.body for name in _defined_by(statement)}
    waiting: list[ast.stmt] = list(taken)
    brought: dict[ast.stmt, None] = {}
    while waiting and len(brought) <= MAX_HELPERS:
        node = waiting.pop()
        needed = names_read_in(node) - program.scopes.module_names - BUILTINS
        own = names_bound_in(node) if isinstance(node, ast.FunctionDef) else frozenset()
        for name in sorted(needed - own):
            helper = available.get(name)
            if helper is not None and helper not in brought:
                brought[helper] = None
                waiting.append(helper)
    helpers = sorted(brought, key=lambda statement: statement.lineno)
    return "".join(f"{lines_of(donor, helper) or ''}{_gap_after(helper)}" for helper in helpers)


def _defined_by(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [name for alias in aliases for name in other_bindings(alias)]
        case ast.FunctionDef(name=name):
            return [name]
        case ast.Assign():
            return names_stored_in(statement)
        case _:
            return []


def _gap_after(statement: ast.stmt) -> str:
    return "\n\n" if isinstance(statement, ast.FunctionDef) else ""
