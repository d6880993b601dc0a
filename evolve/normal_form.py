"""A program's syntax tree as text, without what cannot change its behaviour.

Left out: layout and comments, docstrings and other statements that are only a constant, `pass`, annotations, code after
a `return`, `raise`, `break` or `continue`, and stores of a plain value into a local that is never read. The names of
locals are replaced by numbers. Constants, parameters and module names are kept.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from evolve.syntax import Comprehension, names_read_in, names_stored_in, other_bindings, own_nodes, parameter_names

Scope = dict[str, str]  # name -> what is written for it; "" until it first occurs

_TERMINATORS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_UNSAID_FIELDS = frozenset({"annotation", "returns", "type_comment", "kind", "ctx"})
_SEE_LOCAL_NAMES = frozenset({"locals", "vars", "eval", "exec", "dir"})


def normal_form(tree: ast.Module) -> str:
    """Equal for two programs only if they behave alike; unequal ones may still be equivalent.

    Each top-level statement is written on its own, so the form of a program is that of its parts, joined.
    """
    return "".join(_form_of(statement) for statement in tree.body)


def _form_of(statement: ast.stmt) -> str:
    writer = _Writer(may_rename=not any(_exposes_locals(node) for node in ast.walk(statement)))
    writer.write_kept([statement])
    return "".join(writer.pieces)


def _exposes_locals(node: ast.AST) -> bool:
    match node:
        case ast.Nonlocal():
            return True
        case ast.Name(id=name):
            return name in _SEE_LOCAL_NAMES
        case _:
            return False


class _Writer:
    def __init__(self, may_rename: bool) -> None:
        self.pieces: list[str] = []
        self._may_rename = may_rename
        self._scopes: list[Scope] = []
        self._dead: list[frozenset[str]] = []

    def write(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name):
                self.pieces.append(f"{self._written(name)} ")
            case ast.Constant(value=value):
                self.pieces.append(f"{value!r} ")
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._write_function(node)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self.write(node.generators[0].iter)  # belongs to the scope around, where a name may mean another thing
                self._write_inside(node, dict.fromkeys(_loop_variables(node), ""))
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                self._write_fields(ast.Assign(targets=[target], value=value))
            case _:
                self._write_fields(node)

    def _write_fields(self, node: ast.AST) -> None:
        self.pieces.append(f"{type(node).__name__}(")
        for field, value in ast.iter_fields(node):
            if field not in _UNSAID_FIELDS:
                self._write_value(value)
        self.pieces.append(")")

    def _write_value(self, value: object) -> None:
        match value:
            case ast.AST():
                self.write(value)
            case list():
                self.pieces.append("[")
                self.write_kept(value)
                self.pieces.append("]")
            case _:
                self.pieces.append(f"{value!r} ")

    def write_kept(self, items: Sequence[object]) -> None:
        """`items` without the statements that do nothing."""
        for item in self._kept(items):
            self._write_value(item)

    def _kept(self, items: Sequence[object]) -> Iterator[object]:
        for item in items:
            if not (isinstance(item, ast.stmt) and self._does_nothing(item)):
                yield item
            if isinstance(item, _TERMINATORS):
                return

    def _does_nothing(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Pass() | ast.Expr(value=ast.Constant()) | ast.AnnAssign(target=ast.Name(), value=None):
                return True
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant() | ast.Name()):
                return bool(self._dead) and name in self._dead[-1]
            case _:
                return False

    def _write_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        scope: Scope = {}
        dead: frozenset[str] = frozenset()
        if self._may_rename and not isinstance(node, ast.Lambda):
            scope = dict.fromkeys(_locals_of(node), "")
            dead = frozenset(scope) - names_read_in(node)
        scope.update((name, name) for name in parameter_names(node.args))
        self._write_value([*node.args.defaults, *node.args.kw_defaults])  # these too belong to the scope around
        self._dead.append(dead)
        self._write_inside(node, scope)
        self._dead.pop()

    def _write_inside(self, node: ast.AST, scope: Scope) -> None:
        self._scopes.append(scope)
        self._write_fields(node)
        self._scopes.pop()

    def _written(self, name: str) -> str:
        for depth in range(len(self._scopes) - 1, -1, -1):
            scope = self._scopes[depth]
            if name in scope:
                scope[name] = scope[name] or f"%{depth}.{sum(map(bool, scope.values()))}"
                return scope[name]
        return name


def _loop_variables(node: Comprehension) -> list[str]:
    return [name for generator in node.generators for name in names_stored_in(generator.target)]


def _locals_of(function: ast.AST) -> list[str]:
    """Names that are stored in a scope as variables and in no other way (import, def, except, match, global)."""
    stored: dict[str, None] = {}
    fixed: set[str] = set()
    for node in own_nodes(function):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                stored[name] = None
            case ast.Global(names=names):
                fixed.update(names)
            case ast.ClassDef(name=name):
                fixed.add(name)
                fixed.update(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
            case _:
                fixed.update(other_bindings(node))
    return [name for name in stored if name not in fixed]
