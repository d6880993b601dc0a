"""Text from a program, made harmless before a person, a terminal or a model reads it."""

from __future__ import annotations

import unicodedata

from evaluators.invisible import UNSEEN

_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # controls, bidi and zero-width marks, surrogates


def plain_text(text: str | bytes, max_chars: int) -> str:
    """The last `max_chars` characters of `text`, with newlines and tabs but no other control or format characters."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return _plain(text)[-max_chars:]


def one_line(text: str, max_chars: int) -> str:
    """The first `max_chars` characters of `text` as a single line without control or format characters."""
    return " ".join(_plain(text).split())[:max_chars]


def _plain(text: str) -> str:
    return UNSEEN.sub("", "".join(filter(_is_plain, text)))


def _is_plain(character: str) -> bool:
    return character in "\n\t" or unicodedata.category(character) not in _DROPPED_CATEGORIES
