"""What sort of value an expression gives, guessed from the text alone: good enough to exchange like for like."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache

from evolve.syntax import FunctionNode


class Kind(Enum):
    """A sort of value."""

    NUMBER = "number"
    COUNT = "count"  # a whole number: a size, a position
    BOOL = "bool"
    ARRAY = "array"  # of numbers
    INDEX = "index"  # an array of whole numbers, to select with
    MASK = "mask"  # an array of truth values
    TEXT = "text"
    SEQUENCE = "sequence"
    MAPPING = "mapping"
    CALLABLE = "callable"  # functions, classes and modules
    UNKNOWN = "unknown"


Kinds = Mapping[str, Kind]

_COUNTING_CALLS = frozenset({"int", "len", "round"})
_NUMERIC_CALLS = frozenset({"float", "sum", "abs", "min", "max"})
_SEQUENCE_CALLS = frozenset({"list", "tuple", "sorted", "range", "zip", "enumerate", "reversed"})
_DISPLAYS: Mapping[type[ast.expr], Kind] = {
    ast.JoinedStr: Kind.TEXT,
    ast.List: Kind.SEQUENCE,
    ast.Tuple: Kind.SEQUENCE,
    ast.ListComp: Kind.SEQUENCE,
    ast.Dict: Kind.MAPPING,
    ast.DictComp: Kind.MAPPING,
    ast.Lambda: Kind.CALLABLE,
}
_INDEX_MAKERS = frozenset({"arange", "argsort", "argmax", "argmin", "flatnonzero", "nonzero", "searchsorted"})
_SHAPERS = frozenset(  # what goes in comes out
    {"tile", "repeat", "sort", "copy", "reshape", "ravel", "empty_like", "zeros_like", "take_along_axis", "concatenate"}
)
_ARRAYS = (Kind.ARRAY, Kind.INDEX, Kind.MASK)
_CONSTANTS: Mapping[type, Kind] = {bool: Kind.BOOL, int: Kind.COUNT, float: Kind.NUMBER, str: Kind.TEXT}


def kind_of(node: ast.expr, known: Kinds) -> Kind:
    """The kind of an expression, where the names in `known` have theirs."""
    match node:
        case ast.Constant(value=value):
            return _CONSTANTS.get(type(value), Kind.UNKNOWN)
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            return _kind_of_condition(node, known)
        case ast.Name(id=name):
            return known.get(name, Kind.UNKNOWN)
        case ast.BinOp(op=ast.Div(), left=one, right=other):
            return _quotient(_wider(kind_of(one, known), kind_of(other, known)))
        case ast.BinOp(left=one, right=other) | ast.IfExp(body=one, orelse=other):
            return _wider(kind_of(one, known), kind_of(other, known))
        case ast.UnaryOp(operand=operand):
            return kind_of(operand, known)
        case ast.Call():
            return _kind_of_call(node, known)
        case ast.Subscript(value=value):
            return _array_or_unknown(kind_of(value, known))
        case ast.Attribute(attr="size" | "ndim"):
            return Kind.COUNT
        case _:
            return _DISPLAYS.get(type(node), Kind.UNKNOWN)


def _kind_of_condition(node: ast.expr, known: Kinds) -> Kind:
    """Comparing arrays gives an array."""
    parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
    return Kind.MASK if any(kind_of(part, known) in _ARRAYS for part in parts) else Kind.BOOL


def _kind_of_call(call: ast.Call, known: Kinds) -> Kind:
    match call.func:
        case ast.Name(id=name) if name in _COUNTING_CALLS:
            return Kind.COUNT
        case ast.Name(id=name) if name in _NUMERIC_CALLS:
            counts = name != "float" and all(kind_of(part, known) is Kind.COUNT for part in call.args)
            return Kind.COUNT if counts else Kind.NUMBER
        case ast.Name(id=name) if name in _SEQUENCE_CALLS:
            return Kind.SEQUENCE
        case ast.Name(id=name):
            return known.get(f"{name}()", Kind.UNKNOWN)
        case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name):
            return _kind_of_array_call(name, call, _kind_of_first(call.args, known), known)
        case ast.Attribute(value=owner, attr=name) if kind_of(owner, known) in _ARRAYS:
            return _kind_of_array_call(name, call, kind_of(owner, known), known)
        case _:
            return Kind.UNKNOWN


def _kind_of_first(arguments: Sequence[ast.expr], known: Kinds) -> Kind:
    """The kind of the first argument, or of the first item of a list of arrays."""
    match arguments:
        case [ast.List(elts=[first, *_]) | ast.Tuple(elts=[first, *_]), *_] | [first, *_]:
            return kind_of(first, known)
        case _:
            return Kind.UNKNOWN


def _kind_of_array_call(name: str, call: ast.Call, given: Kind, known: Kinds) -> Kind:
    """The kind that numpy's function or method `name` makes of its first argument or owner."""
    dtypes = [keyword.value for keyword in call.keywords if keyword.arg == "dtype"]
    if name == "astype":
        dtypes = call.args[:1]
    if dtypes:
        return _kind_of_dtype(dtypes[0], known)
    if name in _INDEX_MAKERS:
        return Kind.INDEX
    return given if name in _SHAPERS and given in _ARRAYS else Kind.ARRAY


def _kind_of_dtype(dtype: ast.expr, known: Kinds) -> Kind:
    match dtype:
        case ast.Attribute(value=owner, attr="dtype"):
            return _array_or_unknown(kind_of(owner, known))
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            return Kind.INDEX if "int" in name else Kind.MASK if "bool" in name else Kind.ARRAY
        case _:
            return Kind.ARRAY


def _array_or_unknown(kind: Kind) -> Kind:
    return kind if kind in _ARRAYS else Kind.UNKNOWN


def _wider(one: Kind, other: Kind) -> Kind:
    """The kind of an arithmetic result: arrays swallow numbers, and fractions whole numbers."""
    both = {one, other}
    if len(both) == 1:
        return one
    if Kind.ARRAY in both or both == {Kind.INDEX, Kind.NUMBER}:
        return Kind.ARRAY
    if both == {Kind.INDEX, Kind.COUNT}:
        return Kind.INDEX
    return Kind.NUMBER if both == {Kind.COUNT, Kind.NUMBER} else Kind.UNKNOWN


def _quotient(kind: Kind) -> Kind:
    """The kind of a quotient, where a product would have `kind`."""
    return {Kind.COUNT: Kind.NUMBER, Kind.INDEX: Kind.ARRAY}.get(kind, kind)


def kind_of_annotation(annotation: ast.expr | None) -> Kind:
    """The kind that an annotation promises."""
    match annotation:
        case ast.Name(id="int"):
            return Kind.COUNT
        case ast.Name(id="float"):
            return Kind.NUMBER
        case ast.Name(id="bool"):
            return Kind.BOOL
        case ast.Name(id="str"):
            return Kind.TEXT
        case ast.Name(id="Array" | "ndarray") | ast.Attribute(attr="ndarray"):
            return Kind.ARRAY
        case ast.Name(id="list" | "tuple") | ast.Subscript(value=ast.Name(id="list" | "tuple" | "Sequence")):
            return Kind.SEQUENCE
        case ast.Name(id="dict") | ast.Subscript(value=ast.Name(id="dict" | "Mapping")):
            return Kind.MAPPING
        case _:
            return Kind.UNKNOWN


def module_kinds(tree: ast.Module) -> dict[str, Kind]:
    """The kinds of a module's names; ``name()`` stands for what a function returns."""
    known: dict[str, Kind] = {}
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name):
                known[name] = Kind.CALLABLE
                known[f"{name}()"] = _kind_returned(statement)
            case ast.ClassDef(name=name):
                known[name] = Kind.CALLABLE
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                known.update((alias.asname or alias.name, Kind.CALLABLE) for alias in aliases)
            case ast.Assign() | ast.AnnAssign():
                _learn(statement, known)
            case _:
                pass
    return known


def function_kinds(function: FunctionNode, in_module: Kinds) -> dict[str, Kind]:
    """The kinds of a function's names, those of the module included; the first store of a local decides."""
    known = dict(in_module)
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        known[argument.arg] = kind_of_annotation(argument.annotation)
    stores = [node for node in ast.walk(function) if isinstance(node, ast.Assign | ast.AnnAssign | ast.For)]
    for store in sorted(stores, key=lambda node: (node.lineno, node.col_offset)):
        _learn(store, known)
    return known


@lru_cache(maxsize=1024)
def _kind_returned(function: ast.FunctionDef) -> Kind:
    """What a function returns by its annotation; of arrays, whether its last `return` gives indices or a mask."""
    promised = kind_of_annotation(function.returns)
    values = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]
    if promised is not Kind.ARRAY or not values:
        return promised
    last = max(values, key=lambda value: value.lineno)
    found = kind_of(last, function_kinds(function, {}))
    return found if found in _ARRAYS else promised


def _learn(statement: ast.Assign | ast.AnnAssign | ast.For, known: dict[str, Kind]) -> None:
    match statement:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)) if len(targets) == len(values):
            for target, value in zip(targets, values, strict=True):
                _learn_name(target, kind_of(value, known), known)
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Attribute(attr="shape")):
            for target in targets:
                _learn_name(target, Kind.COUNT, known)
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _learn_name(target, kind_of(value, known), known)
        case ast.AnnAssign(target=target, annotation=annotation):
            _learn_name(target, kind_of_annotation(annotation), known)
        case ast.For(target=target, iter=ast.Call(func=ast.Name(id="range"))):
            _learn_name(target, Kind.COUNT, known)
        case _:
            pass


def _learn_name(target: ast.expr, kind: Kind, known: dict[str, Kind]) -> None:
    if isinstance(target, ast.Name):
        known.setdefault(target.id, kind)
