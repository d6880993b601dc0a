"""Where a SEARCH text stands in a program: exactly, or but for blanks at line ends and a uniform shift to the right.

Every step is linear in the program for one edit; a text that fits in two places fits nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from evolve.patch.diagnosis import ambiguous, empty_search, not_found
from evolve.patch.program import LineIndex, Program
from evolve.patch.reply import Edit

MOST_SHIFTS = 16  # indentations of a line that are tried


@dataclass(frozen=True, slots=True)
class Change:
    """Lines `start` to `end` (from 0, end excluded) give way to others."""

    number: int  # of the edit
    start: int
    end: int
    lines: tuple[str, ...]


class Matcher:
    """Finds the places of the edits of one reply."""

    def __init__(self, program: Program, num_edits: int) -> None:
        self._program = program
        self._num_edits = num_edits

    def change(self, edit: Edit) -> Change:
        """The lines that `edit` replaces, and by what.

        Raises:
            PatchError: Its SEARCH text occurs nowhere that may change, or in several places.
        """
        if not any(map(str.strip, edit.search)):
            return self._fill_empty_block(edit)
        places = self._exact.places(edit.search)
        if places:
            return self._only(edit, places, edit.search, edit.replacement)
        trimmed, replacement = _without_outer_blanks(edit)
        places = self._stripped.places(trimmed)
        if places:
            return self._only(edit, places, trimmed, replacement)
        return self._shifted(edit, trimmed, replacement)

    @cached_property
    def _exact(self) -> LineIndex:
        return LineIndex(self._program, str)

    @cached_property
    def _stripped(self) -> LineIndex:
        return LineIndex(self._program, str.rstrip)

    @cached_property
    def _indents(self) -> dict[str, set[str]]:
        """How far the lines with a text are indented, by text."""
        indents: defaultdict[str, set[str]] = defaultdict(set)
        for line, editable in zip(self._program.lines, self._program.editable, strict=True):
            if editable and len(found := indents[line.strip()]) < MOST_SHIFTS:
                found.add(_indent(line))
        return dict(indents)

    def _shifted(self, edit: Edit, search: Sequence[str], replacement: Sequence[str]) -> Change:
        found: list[tuple[int, tuple[str, ...] | None]] = []
        old = _indent(search[0])
        for new in sorted(self._indents.get(search[0].strip(), ())):
            moved = _moved(search, old, new)
            if moved is not None:
                found += [(place, _moved(replacement, old, new)) for place in self._stripped.places(moved)]
        match found:
            case []:
                raise not_found(edit, self._num_edits, self._program)
            case [(place, tuple(lines))]:
                return Change(edit.number, place, place + len(search), lines)
            case _:
                raise ambiguous(edit, self._num_edits, [place for place, _ in found])

    def _only(self, edit: Edit, places: Sequence[int], search: Sequence[str], replacement: Sequence[str]) -> Change:
        if len(places) > 1:
            raise ambiguous(edit, self._num_edits, places)
        return Change(edit.number, places[0], places[0] + len(search), tuple(replacement))

    def _fill_empty_block(self, edit: Edit) -> Change:
        empty = [block for block in self._program.blocks if not block.body(self._program.source).strip()]
        if len(empty) != 1:
            raise empty_search(edit, self._num_edits)
        return Change(edit.number, empty[0].first_line - 1, empty[0].last_line, edit.replacement)


def _without_outer_blanks(edit: Edit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """SEARCH without blank lines at its ends; the replacement too, if there were any."""
    trimmed = _trimmed(edit.search)
    return trimmed, edit.replacement if trimmed == edit.search else _trimmed(edit.replacement)


def _trimmed(lines: tuple[str, ...]) -> tuple[str, ...]:
    filled = [place for place, line in enumerate(lines) if line.strip()]
    return lines[filled[0] : filled[-1] + 1] if filled else ()


def _moved(lines: Sequence[str], old: str, new: str) -> tuple[str, ...] | None:
    """`lines` moved by as much as takes indentation `old` to `new`; None where that has no meaning."""
    if new.endswith(old):
        more = new[: len(new) - len(old)]
        return tuple(more + line if line.strip() else "" for line in lines)
    less = old[: len(old) - len(new)]
    if not old.endswith(new) or any(line.strip() and not line.startswith(less) for line in lines):
        return None
    return tuple(line[len(less) :] if line.strip() else "" for line in lines)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
