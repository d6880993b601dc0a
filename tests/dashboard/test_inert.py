from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import inert
from tests.dashboard.seeded import HOSTILE, LONG_LINE

INVISIBLE = "\x1b\x00\x07\r\x7f\u202e\u2066\u2069\u200b\u200e\ufeff\ud800\u2028\x85\u00ad\ufe0f\U000e0141\u3164\u034f"


@pytest.mark.parametrize("char", INVISIBLE)
def test_what_cannot_be_seen_gets_a_mark(char: str) -> None:
    assert char not in inert.visible(f"a{char}b")
    assert inert.visible(f"a{char}b")[0] == "a"
    assert len(inert.visible(f"a{char}b")) >= 3


def test_marks_name_the_character() -> None:
    assert inert.visible("\x1b[31m") == "\u241b[31m"
    assert inert.visible("\u202e") == "\u27e8U+202E\u27e9"


def test_code_keeps_its_lines_and_tabs() -> None:
    assert inert.shown("def f():\n\treturn 'größer'\n") == "def f():\n\treturn 'größer'\n"


def test_a_line_of_a_megabyte_is_cut() -> None:
    shown = inert.shown(LONG_LINE + "y = 2\n")
    assert len(shown) < 1_000
    assert "more characters" in shown


def test_many_lines_are_cut() -> None:
    shown = inert.shown("x\n" * 10_000, max_lines=10)
    assert shown.count("\n") == 10
    assert shown.endswith("9,991 more lines")


@given(st.text())
def test_markdown_text_is_printable_and_its_syntax_escaped(text: str) -> None:
    escaped = inert.markdown(text)
    assert escaped.isprintable()
    for index, char in enumerate(escaped):
        if char in "`*_[]<>#$~&":
            assert escaped[index - 1] == "\\"


@given(st.text(max_size=300), st.integers(1, 20), st.integers(1, 40))
def test_shown_text_is_bounded(text: str, max_lines: int, max_line_chars: int) -> None:
    lines = inert.shown(text, max_lines, max_line_chars).split("\n")
    assert len(lines) <= max_lines + 1
    assert all(len(line) <= 10 * max_line_chars + 40 for line in lines)  # a mark has up to ten characters


def test_a_cell_is_one_line() -> None:
    assert "\n" not in inert.cell(HOSTILE)
    assert len(inert.cell(HOSTILE * 100)) < 250
