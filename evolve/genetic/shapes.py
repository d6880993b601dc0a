"""Which arrays of a function have the same shape, as far as the text shows: those that meet in one operation."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from evolve.genetic.kinds import Kind, Kinds
from evolve.syntax import FunctionNode

ARRAYS = (Kind.ARRAY, Kind.INDEX, Kind.MASK)
_ELEMENTWISE = frozenset(
    {"maximum", "minimum", "abs", "sqrt", "exp", "log", "log1p", "clip", "copy", "astype", "empty_like", "zeros_like"}
    | {"ones_like", "floor", "ceil", "rint", "nan_to_num", "where", "add", "multiply", "square", "sort", "argsort"}
)

Shapes = Mapping[str, str]  # an array's name -> the name that stands for all of its shape


def find_shapes(function: FunctionNode, kinds: Kinds) -> Shapes:
    """The arrays of a function, grouped."""
    leader: dict[str, str] = {}
    for node in ast.walk(function):
        for group in _groups_in(node, kinds):
            _join(group, leader)
    return leader


def shape_of(node: ast.AST, kinds: Kinds) -> str | None:
    """The name of an array that an expression is shaped like; None if the text does not show it."""
    match node:
        case ast.Name(id=name):
            return name if kinds.get(name) in ARRAYS else None
        case ast.BinOp(left=left, right=right):
            return shape_of(left, kinds) or shape_of(right, kinds)
        case ast.UnaryOp(operand=operand):
            return shape_of(operand, kinds)
        case ast.Compare(left=left):
            return shape_of(left, kinds)
        case ast.Call(func=ast.Attribute(value=owner, attr=name), args=args) if name in _ELEMENTWISE:
            shaped = (shape_of(part, kinds) for part in (owner, *args))
            return next((found for found in shaped if found), None)
        case _:
            return None


def are_shaped_alike(one: str | None, other: str | None, shapes: Shapes) -> bool:
    """Whether two names are known to have one shape."""
    return one is not None and other is not None and shapes.get(one, one) == shapes.get(other, other)


def _groups_in(node: ast.AST, kinds: Kinds) -> list[Sequence[str]]:
    """The names that must have one shape for `node` to work."""
    match node:
        case ast.BinOp(left=left, right=right) | ast.Compare(left=left, comparators=[right]):
            parts: list[ast.expr] = [left, right]
        case ast.Assign(targets=[ast.Name() as target], value=value):
            parts = [target, value]
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            return [_named([pair[0], pair[1]], kinds) for pair in zip(targets, values, strict=False)]
        case ast.Call(func=ast.Attribute(attr=name), args=args) if name in _ELEMENTWISE:
            parts = args
        case _:
            return []
    return [_named(parts, kinds)]


def _named(parts: Sequence[ast.expr], kinds: Kinds) -> list[str]:
    found = (shape_of(part, kinds) for part in parts)
    return [name for name in found if name is not None]


def _join(group: Sequence[str], leader: dict[str, str]) -> None:
    leaders = {leader.get(name, name) for name in group}
    if len(leaders) < 2:
        return
    first = min(leaders)
    members = [name for name, led_by in leader.items() if led_by in leaders]
    leader.update(dict.fromkeys([*sorted(leaders), *members, *group], first))
