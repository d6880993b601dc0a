from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from evaluators.sandbox.plain_text import one_line, plain_text


@given(data=st.binary(max_size=200))
def test_plain_text_holds_no_control_or_format_character(data: bytes) -> None:
    text = plain_text(data, 50)
    assert len(text) <= 50
    assert all(character in "\n\t" or unicodedata.category(character)[0] != "C" for character in text)


@given(text=st.text(max_size=200))
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text, 40).splitlines()) <= 1


def test_plain_text_keeps_the_end() -> None:
    assert plain_text("a" * 10 + "end", 3) == "end"
