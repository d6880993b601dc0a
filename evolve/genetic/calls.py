"""The operator on calls: a function in the place of another that takes the same arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import numpy as np

from evolve.genetic.chance import pick, pick_weighted
from evolve.genetic.parts import Site
from evolve.genetic.program import Change, Edit, Program

CALL_FAMILIES: Sequence[frozenset[str]] = [  # names that take the same arguments
    frozenset({"min", "max", "mean", "sum"}),
    frozenset({"mean", "median", "max", "min", "std"}),
    frozenset({"argmin", "argmax"}),
    frozenset({"minimum", "maximum", "add", "multiply"}),
    frozenset({"floor", "ceil", "rint"}),
    frozenset({"exp", "log1p", "sqrt", "square", "tanh"}),
    frozenset({"zeros", "ones"}),
    frozenset({"zeros_like", "ones_like"}),
    frozenset({"any", "all"}),
    frozenset({"cumsum", "cumprod"}),
]
_NO_METHOD = frozenset({"median"})  # functions of numpy that arrays do not have


def exchange_call(program: Program, rng: np.random.Generator) -> Change | None:
    """A function is called in the place of another that takes the same arguments."""
    calls = list(_exchangeable_calls(program))
    if not calls:
        return None
    weights = [0.2 if isinstance(call.func, ast.Name) else 1.0 for _, call, _ in calls]  # own functions differ in sense
    site, call, relatives = pick_weighted(calls, weights, rng)
    end = program.span(call.func)[1]
    old = called_name(call)
    new = pick(relatives, rng)
    return Change((Edit(end - len(old), end, new),), f"{old}() -> {new}() ({site.place})")


def family_of(name: str) -> list[str]:
    """Functions that take the same arguments as the one of this name, sorted."""
    return sorted({other for family in CALL_FAMILIES if name in family for other in family} - {name})


def called_name(call: ast.Call) -> str:
    """The name that is called, without what it is an attribute of."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _exchangeable_calls(program: Program) -> Iterator[tuple[Site, ast.Call, list[str]]]:
    for site in program.sites:
        if isinstance(site.node, ast.Call):
            relatives = _relatives(program, site.node)
            if relatives:
                yield site, site.node, relatives


def _relatives(program: Program, call: ast.Call) -> list[str]:
    """Names that could be called in the place of this one, sorted."""
    match call.func:
        case ast.Attribute(value=ast.Name(id="np" | "numpy" | "math"), attr=name):
            return family_of(name)
        case ast.Attribute(attr=name):
            return [other for other in family_of(name) if other not in _NO_METHOD]
        case ast.Name(id="min" | "max" as name):
            return ["max" if name == "min" else "min"]
        case ast.Name(id=name):
            return _functions_like(program, name)
        case _:
            return []


def _functions_like(program: Program, name: str) -> list[str]:
    """The module's other functions with as many parameters and the same kind of result."""
    functions = {node.name: node for node in program.tree.body if isinstance(node, ast.FunctionDef)}
    if name not in functions:
        return []
    kinds = program.module_kinds
    return [
        other
        for other, node in functions.items()
        if other != name
        and _arity(node) == _arity(functions[name])
        and kinds.get(f"{other}()") is kinds.get(f"{name}()")
    ]


def _arity(function: ast.FunctionDef) -> tuple[int, int]:
    return len(function.args.args), len(function.args.kwonlyargs)
