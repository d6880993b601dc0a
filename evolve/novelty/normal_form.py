"""A program's syntax tree as text, without what cannot change its behaviour.

Left out: layout and comments, docstrings and other statements that are only a constant, `pass`, annotations of locals
and plain ones of parameters and module variables, code after a `return`, `raise`, `break` or `continue`, and stores of
a constant into a local that is never read. The names of locals are replaced by numbers. Constants, parameters, module
names, and what a class body says of its fields are kept.

Programs that read their own text at run time (docstrings, annotations, frames) are not told apart by that text.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evolve.syntax import (
    Comprehension,
    every_parameter,
    names_read_in,
    names_stored_in,
    other_bindings,
    own_nodes,
    parameter_names,
)

Scope = dict[str, str]  # name -> what is written for it; "" until it first occurs
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_TERMINATORS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_UNSAID_FIELDS = frozenset({"annotation", "returns", "decorator_list", "type_comment", "kind", "ctx"})
_SEE_LOCAL_NAMES = frozenset({"locals", "vars", "eval", "exec", "dir"})
_PLAIN_TYPES = frozenset({"int", "float", "complex", "bool", "str", "bytes", "list", "tuple", "dict", "set", "object"})


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


@dataclass(frozen=True, slots=True)
class _Block:
    """What is known of the names in the body of a function or a class."""

    is_class: bool = False
    dead: frozenset[str] = frozenset()  # stored and never read
    told: frozenset[str] = frozenset()  # known for locals in the form whether or not it holds a store of theirs


class _Writer:
    def __init__(self, may_rename: bool) -> None:
        self.pieces: list[str] = []
        self._may_rename = may_rename
        self._scopes: list[Scope] = []
        self._blocks: list[_Block] = []  # empty: at module level

    def write(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name):
                self.pieces.append(f"{self._written(name)} ")
            case ast.Constant(value=value):
                self.pieces.append(f"={value!r} ")
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._write_function(node)
            case ast.ClassDef():
                self._write_value(node.decorator_list)
                self._write_block(node, _Block(is_class=True))
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self.write(node.generators[0].iter)  # belongs to the scope around, where a name may mean another thing
                self._write_inside(node, {n: "" if self._may_rename else n for n in _loop_variables(node)})
            case ast.AnnAssign():
                self._write_annotated(node)
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
            case None:
                self.pieces.append("- ")  # absent, which the constant None is not: `{**a}`, `def f(*, a)`
            case _:
                self.pieces.append(f"{value!r} ")

    def write_kept(self, items: Sequence[object]) -> None:
        """`items` without the statements that do nothing."""
        for item in self._kept(items):
            self._write_value(item)

    def _kept(self, items: Sequence[object]) -> Iterator[object]:
        for place, item in enumerate(items):
            if not (isinstance(item, ast.stmt) and self._does_nothing(item)):
                yield item
            if isinstance(item, _TERMINATORS):
                yield from (rest for rest in items[place + 1 :] if isinstance(rest, ast.stmt) and self._counts(rest))
                return

    def _counts(self, unreached: ast.stmt) -> bool:
        """Whether a statement that never runs matters: it makes its function a generator, or a name a local."""
        if not self._blocks:
            return False
        told = self._blocks[-1].told
        nodes = own_nodes(ast.Module(body=[unreached], type_ignores=[]))
        return any(isinstance(n, ast.Yield | ast.YieldFrom) or not told.issuperset(_bound_by(n)) for n in nodes)

    def _does_nothing(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                return True
            case ast.AnnAssign(target=ast.Name(id=name), value=None, annotation=annotation):
                is_told = not self._blocks or name in self._blocks[-1].told
                return is_told and self._is_unsaid(annotation)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant()):
                return bool(self._blocks) and name in self._blocks[-1].dead
            case _:
                return False

    def _is_unsaid(self, annotation: ast.expr) -> bool:
        """Whether the annotation of a variable changes nothing here: functions do not even evaluate it."""
        if not self._blocks:
            return _is_plain(annotation)
        return not self._blocks[-1].is_class  # there it makes a field

    def _write_annotated(self, node: ast.AnnAssign) -> None:
        if not self._is_unsaid(node.annotation):
            self._write_value([node.annotation, node.simple])
        if node.value is not None and isinstance(node.target, ast.Name):
            self._write_fields(ast.Assign(targets=[node.target], value=node.value))
        else:
            self._write_fields(node)

    def _write_function(self, node: Function) -> None:
        self._write_value(_evaluated_around(node))
        scope, block = self._scope_of(node)
        self._scopes.append(scope)
        self._write_block(node, block)
        self._scopes.pop()

    def _scope_of(self, node: Function) -> tuple[Scope, _Block]:
        parameters = parameter_names(node.args)
        scope: Scope = {}
        if not isinstance(node, ast.Lambda):
            scope = _bound_in(node) if self._may_rename else {}
        renamed = frozenset(name for name, written in scope.items() if not written).difference(parameters)
        scope.update((name, name) for name in parameters)
        dead = renamed - names_read_in(node) - _augmented_in(node)
        return scope, _Block(dead=dead, told=renamed.union(parameters))

    def _write_block(self, node: ast.AST, block: _Block) -> None:
        self._blocks.append(block)
        self._write_fields(node)
        self._blocks.pop()

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


def _evaluated_around(node: Function) -> list[ast.expr | None]:
    """What of a function belongs to the scope around it: defaults, decorators, and annotations unless all are plain.

    Evaluating an annotation may fail, and a decorator may read it.
    """
    defaults = [*node.args.defaults, *node.args.kw_defaults]
    if isinstance(node, ast.Lambda):
        return defaults
    annotations = [*(parameter.annotation for parameter in every_parameter(node.args)), node.returns]
    if not node.decorator_list and all(map(_is_plain, annotations)):
        return defaults
    return [*defaults, *node.decorator_list, *annotations]


def _is_plain(annotation: ast.expr | None) -> bool:
    """Whether an annotation can be evaluated wherever it stands, and nothing comes of it."""
    match annotation:
        case None | ast.Constant():
            return True
        case ast.Name(id=name):
            return name in _PLAIN_TYPES
        case _:
            return False


def _loop_variables(node: Comprehension) -> list[str]:
    return [name for generator in node.generators for name in names_stored_in(generator.target)]


def _augmented_in(function: ast.AST) -> frozenset[str]:
    """Variables that are changed by `+=` and the like, which may change the array that they stand for."""
    targets = (node.target for node in ast.walk(function) if isinstance(node, ast.AugAssign))
    return frozenset(target.id for target in targets if isinstance(target, ast.Name))


def _bound_by(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return (name,)
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return tuple(names)
        case _:
            return other_bindings(node)


def _bound_in(function: ast.AST) -> Scope:
    """Every name that a function binds; what is written for it, where that is not for the writer to choose.

    Only variables are renamed: not what is bound in other ways (import, def, except, match, global), nor what a class
    inside mentions, where names are attributes.
    """
    scope: Scope = {}
    for node in own_nodes(function):
        is_variable = isinstance(node, ast.Name)
        for name in _bound_by(node):
            scope[name] = scope.get(name, "") if is_variable else name
    classes = (node for node in ast.walk(function) if isinstance(node, ast.ClassDef))
    mentioned = {node.id for found in classes for node in ast.walk(found) if isinstance(node, ast.Name)}
    scope.update((name, name) for name in mentioned.intersection(scope))
    return scope
