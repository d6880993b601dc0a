"""Text of programs, models and failures made harmless to show: bounded, and with nothing invisible in it.

Such text is shown only where Streamlit takes it for text (`st.code`, `st.text`, cells of a table), never as Markdown or
HTML; what a browser would not draw, or would draw elsewhere (terminal escapes, bidi and zero-width characters, lone
surrogates, variation selectors), is replaced by a mark that can be seen.
"""

from __future__ import annotations

from evaluators.invisible import UNSEEN

MAX_LINES = 3_000
MAX_LINE_CHARS = 500
MAX_CELL_CHARS = 160
MAX_SENTENCE_CHARS = 1_000
_KEPT = "\n\t"
_CONTROL_PICTURES = 0x2400
_MARKDOWN = set("\\`*_{}[]()<>#+-.!|$:~&")


def shown(text: str, max_lines: int = MAX_LINES, max_line_chars: int = MAX_LINE_CHARS) -> str:
    """`text` for `st.code`: at most so many lines of so many characters; what was left out is said."""
    lines = text[: max_lines * max_line_chars * 4].split("\n")
    kept = [_shortened(visible(line[: max_line_chars + 1]), len(line), max_line_chars) for line in lines[:max_lines]]
    left_out = text.count("\n") + 1 - len(kept)
    return "\n".join([*kept, f"... {left_out:,} more lines"] if left_out > 0 else kept)


def cell(text: str, max_chars: int = MAX_CELL_CHARS) -> str:
    """`text` on one line, for a cell or a label of a chart."""
    start = text[: max_chars + 1].replace("\n", " ").replace("\t", " ")
    return _shortened(visible(start), len(text), max_chars)


def markdown(text: str, max_chars: int = MAX_SENTENCE_CHARS) -> str:
    """`text` on one line with everything that Markdown would read escaped, for names and sentences."""
    return "".join("\\" + char if char in _MARKDOWN else char for char in cell(text, max_chars))


def visible(text: str) -> str:
    """`text` with a mark in place of each character that cannot be seen; line ends and tabs stay."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() or char in _KEPT else _mark(char) for char in text)
    return UNSEEN.sub(lambda found: _mark(found[0]), text)


def _mark(char: str) -> str:
    """The control picture of an ASCII control character, else the code point."""
    code = ord(char)
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return "\u2421" if code == 0x7F else f"\u27e8U+{code:04X}\u27e9"


def _shortened(text: str, length: int, max_chars: int) -> str:
    return text if length <= max_chars else f"{text[:max_chars]} ... {length - max_chars:,} more characters"
