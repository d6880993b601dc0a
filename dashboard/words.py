"""Figures, times and counts in words, alike on every page."""

from __future__ import annotations

MISSING = "\u2013"  # in place of a figure that there is none of
_DIGITS = 4
_MOST_DIGITS = 8
_NOISE = 1e-9  # below it a figure is rounding


def signed(*values: float) -> list[str]:
    """``+0.0123``, with as many digits as the largest needs for two that say something; zero has no sign."""
    largest = max((abs(value) for value in values), default=0.0)
    digits = _DIGITS
    while digits < _MOST_DIGITS and _NOISE < largest < 10.0 ** (1 - digits):
        digits += 1
    return [_zero_unsigned(f"{value:+.{digits}f}") for value in values]


def unsigned_zero(value: float | None) -> float | None:
    """The value, but zero where rounding noise alone keeps it from that: a table would show ``-0.0000``."""
    return 0.0 if value is not None and abs(value) < _NOISE else value


def minute(time: str) -> str:
    """``2026-05-01 12:00`` of an archived time, which is in UTC; another text stays as it is."""
    return f"{time[:10]} {time[11:16]}" if len(time) >= 16 and time[10] == "T" else time


def counted(number: int, noun: str) -> str:
    """``1 island``, ``2 islands``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _zero_unsigned(text: str) -> str:
    return text[1:] if float(text) == 0.0 else text
