"""Operators on numbers: small steps and big jumps on a log scale, and blends with a donor's numbers."""

from __future__ import annotations

import ast
import math

import numpy as np

from evolve.genetic.parts import Site
from evolve.genetic.program import Change, Program, put_expression
from evolve.search.sampling import draw_index

NAMED_WEIGHT = 12.0  # a constant that the author gave a name is meant to be tuned
FLOAT_WEIGHT = 1.0
INT_WEIGHT = 0.4  # a count or an offset in the midst of a formula is mostly right as it is
INDEX_WEIGHT = 0.1  # an axis or a subscript even more so

COMMON_INTS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 64)


def perturb_constant(program: Program, rng: np.random.Generator) -> Change | None:
    """Move one number: an int by steps or factors and stays an int, a float on a log scale and stays a float."""
    sites = number_sites(program)
    if not sites:
        return None
    site, value = sites[draw_index(np.array([constant_weight(site) for site, _ in sites]), rng)]
    return set_number(program, site, value, perturbed(value, rng))


def number_sites(program: Program) -> list[tuple[Site, float]]:
    """The numbers of a program with their values; a minus sign belongs to its number."""
    found = []
    for site in program.sites:
        negated = isinstance(site.parent, ast.UnaryOp) and isinstance(site.parent.op, ast.USub)
        value = None if negated else number_of(site.node)
        if value is not None:
            found.append((site, value))
    return found


def number_of(node: ast.AST) -> int | float | None:
    """The value of a numeric literal, signed or not; None for anything else, booleans included."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as inner):
            value = number_of(inner)
            return None if value is None else -value
        case ast.Constant(value=bool()):
            return None
        case ast.Constant(value=int() | float() as number):
            return number
        case _:
            return None


def constant_weight(site: Site) -> float:
    """How often a number is chosen, relative to others."""
    match site.parent:
        case ast.Slice() | ast.Subscript() | ast.keyword(arg="axis" | "ndim" | "ddof"):
            return INDEX_WEIGHT
        case ast.Assign() | ast.AnnAssign() if site.function is None:
            return NAMED_WEIGHT
        case ast.arguments():
            return NAMED_WEIGHT
        case _:
            return INT_WEIGHT if isinstance(number_of(site.node), int) else FLOAT_WEIGHT


def set_number(program: Program, site: Site, old: float, new: float) -> Change:
    """The change of one number."""
    return Change((put_expression(program, site, repr(new)),), f"{constant_name(site)} {old!r} -> {new!r}")


def constant_name(site: Site) -> str:
    """What to call a number in a summary: the name it is assigned to, or the place it stands at."""
    match site.parent:
        case (
            ast.Assign(targets=[ast.Name(id=name)])
            | ast.AnnAssign(target=ast.Name(id=name))
            | ast.keyword(arg=str(name))
        ):
            return name if site.function is None else f"{name} ({site.place})"
        case _:
            return f"constant ({site.place})"


def perturbed(value: float, rng: np.random.Generator) -> int | float:
    """Another number of the same type near `value`, or now and then far from it."""
    if isinstance(value, int):
        return _perturbed_int(value, rng)
    for _ in range(8):
        new = round_like(value, _perturbed_float(value, rng))
        if new != value and math.isfinite(new):
            return new
    return value + 1.0


def _perturbed_int(value: int, rng: np.random.Generator) -> int:
    kind = rng.random()
    if kind < 0.45:
        new = value + int(rng.choice([-2, -1, 1, 2], p=[0.1, 0.4, 0.4, 0.1]))
    elif kind < 0.65:
        new = round(value * math.exp(0.4 * rng.standard_normal()))
    elif kind < 0.82:
        new = round(value * float(rng.choice([0.1, 0.25, 0.5, 2.0, 4.0, 10.0])))
    elif kind < 0.98:
        new = int(rng.choice(COMMON_INTS))
    else:
        new = -value
    return new if new != value else value + 1


def _perturbed_float(value: float, rng: np.random.Generator) -> float:
    kind = rng.random()
    if value == 0.0 or kind < 0.12:  # anew: a sentinel says nothing about the scale of what would be useful
        return float(rng.choice([-1.0, 1.0], p=[0.2, 0.8]) * 10.0 ** rng.uniform(-2.5, 0.5))
    if kind < 0.40:
        return value * math.exp(0.1 * rng.standard_normal())
    if kind < 0.65:
        return value * math.exp(0.5 * rng.standard_normal())
    if kind < 0.75:
        return value + abs(value) * rng.standard_normal()
    if kind < 0.87 and 0.0 < value < 1.0:  # a share or a decay: 0.99 is as far from 1 as 0.01 is from 0
        odds = value / (1.0 - value) * math.exp(rng.standard_normal())
        return odds / (1.0 + odds)
    if kind < 0.96:
        return value * float(rng.choice([0.01, 0.1, 0.5, 2.0, 10.0, 100.0]))
    return 0.0 if kind < 0.98 else -value


def round_like(pattern: float, value: float) -> int | float:
    """`value` as an int if `pattern` is one, else with three significant digits: people read these programs."""
    return round(value) if isinstance(pattern, int) else float(f"{value:.3g}")
