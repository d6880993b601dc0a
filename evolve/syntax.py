"""Ways through a syntax tree that respect the scopes of names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run in a scope itself, not in one inside it; of comprehensions only their `:=`.

    In no particular order, but always in the same.
    """
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Comprehension):
            waiting += [inner.target for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)]
        elif not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def every_parameter(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters, in no order that means something."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [argument for argument in every if argument is not None]


def parameter_names(arguments: ast.arguments) -> list[str]:
    """The names of all parameters."""
    return [argument.arg for argument in every_parameter(arguments)]


def other_bindings(node: ast.AST) -> tuple[str, ...]:
    """The names that `node` binds otherwise than as a stored variable: by def, import, except or match."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.alias(name=name, asname=asname):
            return (asname or name.partition(".")[0],)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return (name,)
        case ast.MatchMapping(rest=str(name)):
            return (name,)
        case _:
            return ()


def names_stored_in(target: ast.AST) -> list[str]:
    """The variables that are stored anywhere in `target`, in the order of the text."""
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def names_read_in(node: ast.AST) -> frozenset[str]:
    """The variables that are read or deleted anywhere in `node`, scopes inside it included."""
    return frozenset(
        name.id for name in ast.walk(node) if isinstance(name, ast.Name) and not isinstance(name.ctx, ast.Store)
    )
