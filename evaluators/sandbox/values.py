"""Arguments and replies as bytes. Both sides use this module; only raw bytes of declared fields come back."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from evaluators.candidate import REPLY_DTYPES, Argument, Array, ReplyField

_Json: TypeAlias = Any  # what `json.loads` returns
_LENGTHS = struct.Struct("<II")  # bytes of the fields' JSON, bytes of the call's JSON
_ALIGNMENT = 16
_WIRE_DTYPES = {name: np.dtype(name).newbyteorder("<") for name in REPLY_DTYPES}


class ReplyError(Exception):
    """What a program returned does not fit the declared fields; the text is one sentence for the program's author."""


class Call(NamedTuple):
    """One decoded request."""

    name: str
    arguments: list[Argument]
    fields: tuple[ReplyField, ...]


# --- arguments: worker to child ---------------------------------------------------------------------------------------


def encode_call(name: str, arguments: Sequence[Argument], fields: tuple[ReplyField, ...]) -> bytes:
    """The payload of a request: the declared fields, the arguments as JSON, then the arrays' bytes.

    Raises:
        TypeError: An argument has no form on the wire.
    """
    arrays: list[Array] = []
    tree = [_argument_json(argument, arrays) for argument in arguments]
    shapes = [[array.dtype.str, array.shape] for array in arrays]
    call_json = json.dumps([name, tree, shapes], separators=(",", ":")).encode()
    fields_json = _fields_json(fields)
    head = _LENGTHS.pack(len(fields_json), len(call_json)) + fields_json + call_json
    return b"".join([head, *_padded(len(head), arrays)]) if arrays else head


def decode_call(payload: bytes) -> Call:
    """The request that `encode_call` made; its arrays are read-only views of `payload`."""
    num_fields_bytes, num_call_bytes = _LENGTHS.unpack_from(payload)
    call_start = _LENGTHS.size + num_fields_bytes
    name, tree, shapes = json.loads(payload[call_start : call_start + num_call_bytes])
    arrays, position = [], call_start + num_call_bytes
    for dtype_text, shape in shapes:
        position += -position % _ALIGNMENT
        dtype, size = np.dtype(dtype_text), math.prod(shape)
        arrays.append(np.frombuffer(payload, dtype, size, position).reshape(shape))
        position += dtype.itemsize * size
    fields = _fields_from_json(payload[_LENGTHS.size : call_start])
    return Call(name, [_argument_from_json(item, arrays) for item in tree], fields)


def _argument_json(value: Argument, arrays: list[Array]) -> _Json:
    """JSON where every container is a list with a tag, so that no user's key can be taken for one."""
    if isinstance(value, np.ndarray):
        arrays.append(_plain_array(value))
        return ["array", len(arrays) - 1]
    if isinstance(value, Mapping):
        return ["dict", {_string_key(key): _argument_json(item, arrays) for key, item in value.items()}]
    if isinstance(value, str | bool | int | float) or value is None:
        return value
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return value.item()
    if isinstance(value, Sequence):
        return ["list", [_argument_json(item, arrays) for item in value]]
    raise TypeError(f"expected numbers, strings, arrays, mappings or sequences as arguments, found {type(value)}")


def _argument_from_json(value: _Json, arrays: Sequence[Array]) -> Argument:
    if not isinstance(value, list):
        plain: Argument = value
        return plain
    tag, content = value
    if tag == "array":
        return arrays[content]
    if tag == "dict":
        return {key: _argument_from_json(item, arrays) for key, item in content.items()}
    return [_argument_from_json(item, arrays) for item in content]


def _string_key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"expected string keys in a mapping argument, found {key!r}")
    return key


def _plain_array(array: Array) -> Array:
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise TypeError(f"expected a bool, integer or float array of at most 64 bits, found dtype {array.dtype}")
    return array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)


def _padded(position: int, arrays: Sequence[Array]) -> list[bytes]:
    parts = []
    for array in arrays:
        gap = -position % _ALIGNMENT
        parts += [b"\0" * gap, array.tobytes()]
        position += gap + array.nbytes
    return parts


@lru_cache(maxsize=256)
def _fields_json(fields: tuple[ReplyField, ...]) -> bytes:
    return json.dumps([[f.name, f.dtype, f.shape, f.optional] for f in fields]).encode()


@lru_cache(maxsize=256)
def _fields_from_json(text: bytes) -> tuple[ReplyField, ...]:
    return tuple(
        ReplyField(name=name, dtype=dtype, shape=tuple(shape), optional=optional)
        for name, dtype, shape, optional in json.loads(text)
    )


# --- replies: child to worker -----------------------------------------------------------------------------------------


def encode_reply(result: object, fields: tuple[ReplyField, ...]) -> bytes:
    """`result` as the raw bytes of the declared fields; runs where the program runs.

    Raises:
        ReplyError: A field is missing, unknown, or of the wrong shape or kind.
    """
    values = _values_by_name(result, fields)
    presence, parts = bytearray(), []
    for field in fields:
        value = values.get(field.name)
        if field.optional:
            presence.append(value is not None)
        if value is not None:
            parts.append(coerced(value, field).tobytes())
        elif not field.optional:
            raise ReplyError(f"the reply lacks {field.name!r} ({_declared(field)})")
    return b"".join([bytes(presence), *parts])


def coerced(value: object, field: ReplyField) -> Array:
    """`value` as an array of exactly the declared dtype and shape, where that loses nothing but float precision.

    Raises:
        ReplyError: Another shape, or a kind that does not convert safely.
    """
    array: Array = np.asarray(value)  # runs the program's own `__array__`, and drops array subclasses
    if array.shape != field.shape:
        raise ReplyError(f"{field.name!r} must be {_declared(field)}, found shape {array.shape}")
    target = _WIRE_DTYPES[field.dtype]
    if array.dtype == target:
        return array
    if array.size and not _converts(array, target):
        raise ReplyError(f"{field.name!r} must be {_declared(field)}, found {array.dtype} that does not fit it")
    with np.errstate(over="ignore"):
        return array.astype(target)


def num_reply_bytes(fields: Sequence[ReplyField]) -> tuple[int, int]:
    """The fewest and the most bytes that a reply of these fields may take."""
    presence = sum(field.optional for field in fields)
    fewest = presence + sum(_num_field_bytes(field) for field in fields if not field.optional)
    return fewest, presence + sum(_num_field_bytes(field) for field in fields)


def decode_reply(payload: bytes, fields: tuple[ReplyField, ...]) -> dict[str, Array]:
    """The fields in `payload`, copied; trusts nothing in it.

    Raises:
        ReplyError: The length does not fit the fields, a float is not finite, or a bool is neither 0 nor 1.
    """
    num_presence = sum(field.optional for field in fields)
    if len(payload) < num_presence or any(flag > 1 for flag in payload[:num_presence]):
        raise ReplyError("the reply does not say which optional fields it carries")
    flags = iter(payload[:num_presence])
    present = [field for field in fields if not field.optional or next(flags)]
    expected = num_presence + sum(map(_num_field_bytes, present))
    if len(payload) != expected:
        raise ReplyError(f"the reply must be {expected} bytes, found {len(payload)}")
    arrays, position = {}, num_presence
    for field in present:
        arrays[field.name] = _checked_array(payload, position, field)
        position += _num_field_bytes(field)
    return arrays


def _values_by_name(result: object, fields: tuple[ReplyField, ...]) -> Mapping[object, object]:
    if not fields:
        return {}
    if not isinstance(result, Mapping):
        if len(fields) > 1:
            names = ", ".join(field.name for field in fields)
            raise ReplyError(f"the reply must be a dict with the keys {names}, found {type(result).__name__}")
        return {fields[0].name: result}
    unknown = [key for key in result if key not in {field.name for field in fields}]
    if unknown:
        names = ", ".join(field.name for field in fields)
        raise ReplyError(f"the reply has the unknown key {str(unknown[0])[:60]!r}; the task declares {names}")
    return result


def _converts(array: Array, target: np.dtype[Any]) -> bool:
    if target.kind == "f":
        return array.dtype.kind in "iuf"
    if target.kind in "iu" and array.dtype.kind in "iu":
        bounds = np.iinfo(target)
        return int(array.min()) >= bounds.min and int(array.max()) <= bounds.max
    return False


def _checked_array(payload: bytes, position: int, field: ReplyField) -> Array:
    size = math.prod(field.shape)
    dtype = _WIRE_DTYPES[field.dtype]
    if field.dtype == "bool" and np.frombuffer(payload, np.uint8, size, position).max(initial=0) > 1:
        raise ReplyError(f"{field.name!r} must hold bools, found other bytes")
    array: Array = np.frombuffer(payload, dtype, size, position).reshape(field.shape).astype(field.dtype)
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise ReplyError(f"{field.name!r} must be finite, found NaN or infinity")
    return array


def _num_field_bytes(field: ReplyField) -> int:
    return _WIRE_DTYPES[field.dtype].itemsize * math.prod(field.shape)


def _declared(field: ReplyField) -> str:
    return f"{field.dtype} of shape {field.shape}"
