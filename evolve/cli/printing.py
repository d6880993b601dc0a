"""Results on stdout: JSON, or plain tables that stay readable in a pipe."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence

from dashboard.inert import visible
from evaluators import figures, jsonable

NARROWEST = 20  # characters that a wrapped column is left at least


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


def print_wrapped_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table whose last column is prose: it is wrapped at the terminal's edge, and left alone in a pipe."""
    edge = shutil.get_terminal_size((0, 0)).columns
    before = sum(max(len(row[i]) for row in [columns, *rows]) + 2 for i in range(len(columns) - 1))
    if edge == 0:
        print_table(columns, rows)
        return
    wrapped: list[list[str]] = []
    for *cells, prose in rows:
        first, *more = textwrap.wrap(prose, max(NARROWEST, edge - before)) or [""]
        wrapped += [[*cells, first], *([*([""] * len(cells)), line] for line in more)]
    print_table(columns, wrapped)


def table_text(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The lines of a table with a rule under its head."""
    cells = [list(columns), *(list(row) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def score(value: float | None) -> str:
    """A score with four digits, or a dash where there is none."""
    return "-" if value is None else figures.score_text(value)


def difference(value: float | None) -> str:
    """A difference of scores with its sign, or a dash where there is none."""
    return "-" if value is None else figures.difference_text(value)


def score_interval(low: float | None, high: float | None) -> str:
    """``[low, high]`` of a score, or a dash."""
    return "-" if low is None or high is None else figures.score_range(low, high)


def interval(low: float | None, high: float | None) -> str:
    """``[+low, +high]`` of a difference of scores, or a dash."""
    return "-" if low is None or high is None else figures.difference_range(low, high)


def counted(number: int, noun: str) -> str:
    """``1 attempt``, ``2 attempts``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def outcomes_text(outcomes: Mapping[str, int]) -> str:
    """``9 scored, 2 twins, 1 rejected``, the most frequent first; empty without any."""
    common = Counter(outcomes).most_common()
    return ", ".join(counted(count, name) if name == "twin" else f"{count} {name}" for name, count in common)
