from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from evaluators.candidate import REPLY_DTYPES, Argument, Array, ReplyField
from evaluators.sandbox.values import (
    ReplyError,
    coerced,
    decode_call,
    decode_reply,
    encode_call,
    encode_reply,
    num_reply_bytes,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
TREES: st.SearchStrategy[Argument] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, max_side=4)


def field(dtype: str, shape: tuple[int, ...] = (2,), *, optional: bool = False, name: str = "y") -> ReplyField:
    return ReplyField(name=name, dtype=dtype, shape=shape, optional=optional)


@st.composite
def declared_arrays(draw: st.DrawFn) -> tuple[ReplyField, Array]:
    dtype, shape = draw(st.sampled_from(REPLY_DTYPES)), draw(SHAPES)
    finite = {"allow_nan": False, "allow_infinity": False} if dtype.startswith("float") else {}
    array = draw(hnp.arrays(dtype, shape, elements=finite or None))
    return field(dtype, shape), array


@given(arguments=st.lists(TREES, max_size=4))
def test_plain_arguments_arrive_equal(arguments: list[Argument]) -> None:
    assert decode_call(encode_call("f", arguments, ())).arguments == arguments


@given(pairs=st.lists(declared_arrays(), max_size=4))
def test_arrays_arrive_equal_and_read_only(pairs: list[tuple[ReplyField, Array]]) -> None:
    arrays = [array for _, array in pairs]
    arrived = decode_call(encode_call("f", [{"nested": arrays}], ())).arguments[0]
    assert isinstance(arrived, dict)
    for sent, found in zip(arrays, arrived["nested"], strict=True):
        np.testing.assert_array_equal(found, sent)
        assert found.dtype == sent.dtype
        assert not found.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            found.flags.writeable = True


def test_transposed_and_strided_arrays_arrive_equal() -> None:
    array = np.arange(12.0).reshape(3, 4)
    arrived = decode_call(encode_call("f", [array.T, array[:, ::2]], ())).arguments
    np.testing.assert_array_equal(np.asarray(arrived[0]), array.T)
    np.testing.assert_array_equal(np.asarray(arrived[1]), array[:, ::2])


@pytest.mark.parametrize("argument", [object(), {1: 2}, np.array([object()]), np.array(["text"]), 1j])
def test_argument_without_a_form_on_the_wire_is_a_type_error(argument: Argument) -> None:
    with pytest.raises(TypeError):
        encode_call("f", [argument], ())


@given(pair=declared_arrays())
def test_reply_arrives_equal_for_every_dtype(pair: tuple[ReplyField, Array]) -> None:
    declared, array = pair
    payload = encode_reply({"y": array}, (declared,))
    fewest, most = num_reply_bytes((declared,))
    assert fewest == most == len(payload)
    arrived = decode_reply(payload, (declared,))["y"]
    np.testing.assert_array_equal(arrived, array)
    assert (arrived.dtype, arrived.shape, arrived.flags.owndata or arrived.base is not None) == (
        np.dtype(declared.dtype),
        declared.shape,
        True,
    )
    assert arrived.flags.writeable


@given(pair=declared_arrays(), payload=st.binary(max_size=80))
def test_arbitrary_bytes_are_refused_or_fit_the_declaration(pair: tuple[ReplyField, Array], payload: bytes) -> None:
    fields = (pair[0], field("bool", (), optional=True, name="z"))
    try:
        arrays = decode_reply(payload, fields)
    except ReplyError:
        return
    assert arrays["y"].shape == pair[0].shape
    assert pair[0].dtype[:5] != "float" or bool(np.isfinite(arrays["y"]).all())


@given(pair=declared_arrays(), data=st.data())
def test_truncated_reply_is_refused(pair: tuple[ReplyField, Array], data: st.DataObject) -> None:
    payload = encode_reply(pair[1], pair[:1])
    if payload:
        length = data.draw(st.integers(0, len(payload) - 1))
        with pytest.raises(ReplyError):
            decode_reply(payload[:length], pair[:1])


def test_optional_fields_may_be_absent_or_none() -> None:
    fields = (
        field("float64"),
        field("int32", (1,), optional=True, name="a"),
        field("bool", (), optional=True, name="b"),
    )
    for result, present in (
        ({"y": [1, 2]}, {"y"}),
        ({"y": [1, 2], "a": None, "b": True}, {"y", "b"}),
        ({"y": [1, 2], "a": [3], "b": False}, {"y", "a", "b"}),
    ):
        assert decode_reply(encode_reply(result, fields), fields).keys() == present


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([1, 2], "float64"),
        ([1, 2], "int8"),
        (np.array([1, 2], np.uint64), "int64"),
        (np.array([1, 2], np.float16), "float32"),
        (np.array([1, 2], np.longdouble), "float64"),
        ([True, False], "bool"),
        ((1.0, 2.0), "float32"),
        (np.array([1, 2], ">i4"), "int32"),
        (np.ma.masked_array([1, 2]), "int64"),
    ],
)
def test_kinds_that_convert_safely_are_taken(value: npt.ArrayLike, dtype: str) -> None:
    assert coerced(value, field(dtype)).dtype == np.dtype(dtype)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([1.0, 2.0], "int64"),
        ([1, 300], "uint8"),
        ([-1, 2], "uint8"),
        ([2**63, 2**64], "int64"),
        ([True, False], "int64"),
        ([True, False], "float64"),
        ([1, 0], "bool"),
        ([1j, 2j], "float64"),
        (["1", "2"], "float64"),
        ([None, None], "float64"),
        (np.array([object(), object()]), "float64"),
        (np.array(["2020", "2021"], "datetime64[Y]"), "int64"),
        ([[1.0, 2.0]], "float64"),
        ([1.0], "float64"),
        (1.0, "float64"),
    ],
)
def test_other_kinds_and_shapes_are_refused_with_the_declaration(value: npt.ArrayLike, dtype: str) -> None:
    with pytest.raises(ReplyError, match=rf"'y' must be {dtype} of shape \(2,\)"):
        coerced(value, field(dtype))


def test_empty_list_fits_any_empty_field() -> None:
    assert encode_reply([], (field("int64", (0,)),)) == b""


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_non_finite_float_is_refused(value: float) -> None:
    declared = (field("float32", ()),)
    with pytest.raises(ReplyError, match="finite"):
        decode_reply(encode_reply(value, declared), declared)


def test_bool_bytes_other_than_0_and_1_are_refused() -> None:
    with pytest.raises(ReplyError, match="bools"):
        decode_reply(b"\x00\x02", (field("bool"),))


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"x": 1.0}, "lacks 'y'|unknown key 'x'"),
        ({"y": [1.0, 2.0], "extra": 1}, "unknown key 'extra'"),
        ((1.0, 2.0), "dict with the keys y, z"),
        (None, "dict with the keys y, z"),
    ],
)
def test_reply_of_several_fields_must_be_a_dict_of_them(result: object, message: str) -> None:
    with pytest.raises(ReplyError, match=message):
        encode_reply(result, (field("float64"), field("float64", name="z", optional=True)))


def test_reply_without_fields_is_ignored() -> None:
    assert encode_reply(object(), ()) == b""
