"""Which names mean something where: what an edit may use, and whether it left a name without a meaning.

The check is one of definite assignment: a local counts as bound where every path to that point has stored it. Correct
programs may be stricter than it can see, so a child is compared with what its parent was found to lack.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from evolve.syntax import Comprehension, FunctionNode, names_stored_in, other_bindings, own_nodes, parameter_names

BUILTINS = frozenset(dir(builtins))
MODULE_ATTRIBUTES = frozenset({"__name__", "__file__", "__doc__"})
Bound = frozenset[str]


@dataclass(slots=True)
class Flow:
    """What became of names on the way through some statements."""

    bound_after: Bound
    undefined: set[tuple[str, str]] = field(default_factory=set)  # (function, name) of loads without a meaning
    bound_before: dict[ast.stmt, Bound] = field(default_factory=dict)  # what is certainly bound where each begins


def run_statements(body: Sequence[ast.stmt], bound: Bound, module_names: Bound) -> Flow:
    """Go through top-level statements, where `bound` is bound before them, and functions may use `module_names`."""
    walk = _Walk(module_names | MODULE_ATTRIBUTES | BUILTINS, Flow(bound))
    frame = _Frame("module", frozenset(), frozenset(), is_module=True)
    walk.flow.bound_after = walk.run_body(body, frame, bound | MODULE_ATTRIBUTES) or bound
    return walk.flow


def names_bound_in(scope: ast.AST) -> Bound:
    """Every name that the code of a scope binds somewhere, its parameters included."""
    bound: set[str] = set()
    declared: set[str] = set()
    for node in own_nodes(scope):
        match node:
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                declared.update(names)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                bound.add(name)
            case _:
                bound.update(other_bindings(node))
    if isinstance(scope, FunctionNode | ast.Lambda):
        bound.update(parameter_names(scope.args))
    return frozenset(bound - declared)


@dataclass(frozen=True, slots=True)
class _Frame:
    """One function being walked through."""

    name: str
    own: Bound  # its locals
    free: Bound  # names of the functions around it, bound or not: they are looked up when it is called
    is_module: bool = False


@dataclass(frozen=True, slots=True)
class _Walk:
    """Goes through statements in the order in which they run; sets of bound names go in and come out."""

    module_names: Bound
    flow: Flow

    def run_body(self, body: Sequence[ast.stmt], frame: _Frame, bound: Bound) -> Bound | None:
        """What is bound after `body`; None if its end is never reached."""
        for statement in body:
            after = self.run_statement(statement, frame, bound)
            if after is None:
                return None
            bound = after
        return bound

    def run_statement(self, node: ast.stmt, frame: _Frame, bound: Bound) -> Bound | None:
        self.flow.bound_before[node] = bound
        match node:
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                self._read_children(node, frame, bound)
                return None
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._run_function(node, frame, bound)
                return bound | {node.name}
            case ast.ClassDef():
                self._run_class(node, frame, bound)
                return bound | {node.name}
            case ast.Assign(targets=targets, value=value):
                return self._store(targets, frame, self._read(value, frame, bound))
            case ast.AnnAssign(target=target, value=value):
                return bound if value is None else self._store([target], frame, self._read(value, frame, bound))
            case ast.AugAssign(target=target, value=value):
                bound = self._read(value, frame, bound)
                return self._read(target, frame, bound)
            case ast.Delete(targets=targets):
                return bound - {name.id for name in targets if isinstance(name, ast.Name)}
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                return bound.union(*(other_bindings(alias) for alias in aliases))
            case _:
                return self._run_branching(node, frame, bound)

    def _run_branching(self, node: ast.stmt, frame: _Frame, bound: Bound) -> Bound | None:
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                bound = self._read(test, frame, bound)
                return _meet([self.run_body(body, frame, bound), self.run_body(orelse, frame, bound)])
            case ast.For(target=target, iter=iterable) | ast.AsyncFor(target=target, iter=iterable):
                bound = self._read(iterable, frame, bound)
                return self._run_loop(node, frame, bound, self._store([target], frame, bound))
            case ast.While(test=test):
                bound = self._read(test, frame, bound)
                return self._run_loop(node, frame, bound, bound)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    bound = self._read(item.context_expr, frame, bound)
                    bound = self._store([] if item.optional_vars is None else [item.optional_vars], frame, bound)
                return self.run_body(body, frame, bound)
            case ast.Try() | ast.TryStar():
                return self._run_try(node, frame, bound)
            case ast.Match(subject=subject, cases=cases):
                bound = self._read(subject, frame, bound)
                return _meet([bound, *(self._run_case(case, frame, bound) for case in cases)])
            case _:
                return self._read_children(node, frame, bound)

    def _run_loop(
        self, node: ast.For | ast.AsyncFor | ast.While, frame: _Frame, before: Bound, inside: Bound
    ) -> Bound | None:
        """Nothing that is stored in a loop is certain after it: it may not have run."""
        self.run_body(node.body, frame, inside)
        return self.run_body(node.orelse, frame, before) if node.orelse else before

    def _run_try(self, node: ast.Try | ast.TryStar, frame: _Frame, bound: Bound) -> Bound | None:
        after_body = self.run_body(node.body, frame, bound)
        if after_body is not None:
            after_body = self.run_body(node.orelse, frame, after_body)
        ends = [after_body]
        for handler in node.handlers:
            inside = bound | set(other_bindings(handler))
            if handler.type is not None:
                self._read(handler.type, frame, bound)
            ends.append(self.run_body(handler.body, frame, inside))
        state = _meet(ends)
        final = self.run_body(node.finalbody, frame, bound if state is None else state)
        return final if state is not None else None

    def _run_case(self, case: ast.match_case, frame: _Frame, bound: Bound) -> Bound | None:
        inside = bound.union(*(other_bindings(node) for node in ast.walk(case.pattern)))
        if case.guard is not None:
            inside = self._read(case.guard, frame, inside)
        return self.run_body(case.body, frame, inside)

    def _run_function(self, node: FunctionNode | ast.Lambda, frame: _Frame, bound: Bound) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self._read(default, frame, bound)
        inner = _Frame(_name_of(node), names_bound_in(node), frame.free | frame.own)
        parameters = frozenset(parameter_names(node.args))
        if isinstance(node, ast.Lambda):
            self._read(node.body, inner, parameters)
        else:
            for decorator in node.decorator_list:
                self._read(decorator, frame, bound)
            self.run_body(node.body, inner, parameters)

    def _run_class(self, node: ast.ClassDef, frame: _Frame, bound: Bound) -> None:
        for expression in (*node.bases, *(keyword.value for keyword in node.keywords), *node.decorator_list):
            self._read(expression, frame, bound)
        in_class = bound | {"__qualname__", "__module__"}
        for statement in node.body:
            if isinstance(statement, FunctionNode):
                self._run_function(statement, frame, in_class)
                in_class |= {statement.name}
            else:
                in_class = self.run_statement(statement, _Frame(node.name, in_class, frame.free), in_class) or in_class

    def _read(self, node: ast.expr, frame: _Frame, bound: Bound) -> Bound:
        """Note the names that an expression loads in vain; what is bound after it (`:=` binds)."""
        match node:
            case ast.Name(id=name):
                self._load(name, frame, bound)
                return bound
            case ast.Constant():
                return bound
            case ast.Lambda():
                self._run_function(node, frame, bound)
                return bound
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._read_comprehension(node, frame, bound)
                return bound
            case ast.NamedExpr(target=target, value=value):
                return self._store([target], frame, self._read(value, frame, bound))
            case _:
                return self._read_children(node, frame, bound)

    def _read_children(self, node: ast.AST, frame: _Frame, bound: Bound) -> Bound:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                bound = self._read(child, frame, bound)
            elif isinstance(child, ast.keyword | ast.withitem):
                bound = self._read_children(child, frame, bound)
        return bound

    def _read_comprehension(self, node: Comprehension, frame: _Frame, bound: Bound) -> None:
        inside = bound
        for generator in node.generators:
            inside = self._read(generator.iter, frame, inside)
            inside = inside.union(names_stored_in(generator.target))
            for condition in generator.ifs:
                inside = self._read(condition, frame, inside)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self._read(part, frame, inside)

    def _store(self, targets: Sequence[ast.expr], frame: _Frame, bound: Bound) -> Bound:
        for target in targets:
            match target:
                case ast.Name(id=name):
                    bound |= {name}
                case ast.Tuple(elts=parts) | ast.List(elts=parts):
                    bound = self._store(parts, frame, bound)
                case ast.Starred(value=inner):
                    bound = self._store([inner], frame, bound)
                case _:
                    bound = self._read_children(target, frame, bound)
        return bound

    def _load(self, name: str, frame: _Frame, bound: Bound) -> None:
        if name in bound or name in frame.free:
            return
        visible = BUILTINS if frame.is_module else self.module_names
        if name in frame.own or name not in visible:
            self.flow.undefined.add((frame.name, name))


def _meet(ends: Iterable[Bound | None]) -> Bound | None:
    """What is bound whichever way was taken; ways that do not reach the end do not count."""
    reached = [end for end in ends if end is not None]
    return frozenset.intersection(*reached) if reached else None


def _name_of(node: FunctionNode | ast.Lambda) -> str:
    return "lambda" if isinstance(node, ast.Lambda) else node.name
