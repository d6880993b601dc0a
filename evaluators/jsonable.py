"""Frozen dataclasses to plain JSON values and back, strictly: unknown keys, wrong kinds and NaN are errors."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, cast

from evaluators.contract import ContractError

Json = Any  # what `json.loads` returns; converted at once, never passed on
Hint = Any  # a resolved type hint; typing has no common class for them
T = TypeVar("T")


def to_json(value: object) -> Json:
    """`value` as dicts, lists, strings and numbers.

    Raises:
        ContractError: A float is not finite, or a value has no JSON form.
    """
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ContractError(f"expected a finite number to store, found {value}")
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(cast(object, getattr(value, f.name))) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    raise ContractError(f"expected a value with a JSON form, found {type(value).__name__}")


def from_json(kind: type[T], value: Json) -> T:
    """`value` read as the dataclass (or enum, or number) `kind`.

    Raises:
        ContractError: A key is missing or unknown, or a value is of the wrong kind; the message names the place.
    """
    return cast(T, _read(kind, value, kind.__name__))


def dumps(value: object) -> str:
    """`to_json` as compact text, keys in declaration order."""
    return json.dumps(to_json(value), separators=(",", ":"), allow_nan=False)


def loads(kind: type[T], text: str | bytes) -> T:
    """`from_json` of a text.

    Raises:
        ContractError: The text is not JSON, or does not fit `kind`.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ContractError(f"expected JSON for {kind.__name__}: {error}") from error
    return from_json(kind, value)


@cache
def _field_kinds(kind: type) -> dict[str, Hint]:
    hints = typing.get_type_hints(kind)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind)}


@cache
def _required_fields(kind: type) -> frozenset[str]:
    missing = dataclasses.MISSING
    return frozenset(f.name for f in dataclasses.fields(kind) if f.default is missing and f.default_factory is missing)


def _read(kind: Hint, value: Json, where: str) -> object:
    origin: Hint = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        return _read_union(typing.get_args(kind), value, where)
    if origin is tuple:
        return _read_tuple(typing.get_args(kind), value, where)
    if origin is not None and issubclass(origin, Mapping):
        _expect(isinstance(value, dict), "an object", value, where)
        key_kind, item_kind = typing.get_args(kind)
        return {_read(key_kind, k, where): _read(item_kind, v, f"{where}[{k!r}]") for k, v in value.items()}
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(cast(type, kind), value, where)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        _expect(value in [member.value for member in kind], f"one of {[m.value for m in kind]}", value, where)
        return kind(value)
    return _read_scalar(kind, value, where)


def _read_scalar(kind: Hint, value: Json, where: str) -> object:
    if kind is float:
        _expect(isinstance(value, int | float) and not isinstance(value, bool), "a number", value, where)
        return float(value)
    if kind is type(None):
        _expect(value is None, "null", value, where)
        return None
    _expect(type(value) is kind, kind.__name__, value, where)
    return value


def _read_dataclass(kind: type, value: Json, where: str) -> object:
    _expect(isinstance(value, dict), "an object", value, where)
    kinds = _field_kinds(kind)
    unknown = sorted(set(value) - set(kinds))
    missing = sorted(_required_fields(kind) - set(value))
    if unknown or missing:
        raise ContractError(f"{where}: unknown keys {unknown}, missing keys {missing}")
    return kind(**{name: _read(kinds[name], item, f"{where}.{name}") for name, item in value.items()})


def _read_tuple(kinds: tuple[Hint, ...], value: Json, where: str) -> tuple[object, ...]:
    _expect(isinstance(value, list), "a list", value, where)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_read(kinds[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    _expect(len(value) == len(kinds), f"{len(kinds)} items", value, where)
    return tuple(_read(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True)))


def _read_union(kinds: tuple[Hint, ...], value: Json, where: str) -> object:
    """The first member that fits exactly; an int does not become a float where int is also a member."""
    for kind in kinds:
        try:
            return _read(kind, value, where)
        except ContractError:
            continue
    names = " or ".join("null" if k is type(None) else k.__name__ for k in kinds)
    raise ContractError(f"{where}: expected {names}, found {str(value)[:60]!r}")


def _expect(fits: bool, what: str, value: Json, where: str) -> None:
    if not fits:
        raise ContractError(f"{where}: expected {what}, found {str(value)[:60]!r}")
