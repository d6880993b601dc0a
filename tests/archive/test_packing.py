from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import ArchiveError
from archive.packing import capped, finite, json_text, pack_doubles, pack_text, unpack_doubles, unpack_text

any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates and NUL included


@given(text=any_text)
def test_packed_text_comes_back(text: str) -> None:
    assert unpack_text(pack_text(text)) == text


@given(values=st.lists(st.floats()))
def test_packed_doubles_come_back_bit_for_bit(values: list[float]) -> None:
    unpacked = unpack_doubles(pack_doubles(values))
    assert struct.pack(f"<{len(values)}d", *values) == struct.pack(f"<{len(unpacked)}d", *unpacked)


@given(text=any_text, limit=st.integers(60, 200))
def test_capped_text_fits_and_can_be_stored(text: str, limit: int) -> None:
    stored = capped(text, limit)
    assert len(stored) <= limit
    assert "\0" not in stored
    stored.encode()
    assert capped(stored, limit) == stored


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert capped(text, 60) == text


def test_capped_text_keeps_both_ends() -> None:
    assert capped("a" * 500 + "b" * 500, 100) == "a" * 25 + "\n[... 950 characters left out ...]\n" + "b" * 25


def test_number_must_be_finite() -> None:
    assert finite(1, "x") == 1.0
    with pytest.raises(ArchiveError, match="x cannot be archived: expected a finite number, found nan"):
        finite(float("nan"), "x")
    with pytest.raises(ArchiveError, match="x cannot be archived: expected a finite number"):
        json_text({"a": [float("inf")]}, "x")
    with pytest.raises(ArchiveError, match="JSON form"):
        json_text({"a": object()}, "x")
