"""Text that others wrote, made inert: cleaned, capped, and fenced so that nothing in it can end the fence."""

from __future__ import annotations

import re

from evaluators.sandbox.plain_text import one_line, plain_text

_BACKTICKS = re.compile("`+")
_ASCII_CONTROLS = dict.fromkeys(code for code in (*range(32), 127) if chr(code) not in "\n\t")
_SEPARATORS = dict.fromkeys(map(ord, "\u2028\u2029"), " ")  # some readers take them for line ends


def fenced(text: str, info: str, max_chars: int) -> str:
    """`text` in a fence of backticks longer than any run within it, with `info` behind the opening ones."""
    inner = clipped(cleaned(text), max_chars).strip("\n")
    fence = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(inner)), default=0))
    return f"{fence}{info}\n{inner}\n{fence}"


def cleaned(text: str) -> str:
    """`text` with newlines and tabs but no other control, bidi, zero-width or otherwise invisible character."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text.translate(_ASCII_CONTROLS)
    return plain_text(text, len(text)).translate(_SEPARATORS)


def clipped(text: str, max_chars: int) -> str:
    """`text`, or its two ends with a line between them that says how much is left out."""
    if len(text) <= max_chars:
        return text
    head = max_chars * 2 // 3
    tail = max_chars - head
    return f"{text[:head]}\n[... {len(text) - max_chars} characters left out ...]\n{text[len(text) - tail :]}"


def line(text: str, max_chars: int) -> str:
    """`text` on one line, for use inside a fence or between backticks."""
    return one_line(text, max_chars).translate(_SEPARATORS).replace("`", "'")
