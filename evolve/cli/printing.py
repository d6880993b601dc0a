"""Results on stdout: JSON, or plain tables that stay readable in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dashboard.inert import visible
from evaluators import jsonable


def print_json(value: object) -> None:
    """One line of JSON."""
    sys.stdout.write(jsonable.dumps(value) + "\n")


def print_text(text: str) -> None:
    """Text and a line end; on a terminal with a mark in place of what would steer it, in a pipe as it is."""
    line = text.rstrip("\n") + "\n"
    sys.stdout.write(visible(line) if sys.stdout.isatty() else line)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Left-aligned columns; numbers are expected to be formatted already."""
    print_text(table_text(columns, rows))


def table_text(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The lines of a table with a rule under its head."""
    cells = [list(columns), *(list(row) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def score(value: float | None) -> str:
    """A score with four digits, or a dash where there is none."""
    return "-" if value is None else f"{value:.4f}"


def interval(low: float | None, high: float | None) -> str:
    """``[low, high]``, or a dash."""
    return "-" if low is None or high is None else f"[{low:+.4f}, {high:+.4f}]"
