"""Why a SEARCH text was not accepted, in words that let the model mend it. Bounded work, whatever the texts."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from evolve.patch.patched import PatchError
from evolve.patch.program import MOST_PLACES, LineIndex, Program
from evolve.patch.reply import Edit

_COMPARED_LINES = 2000
_COMPARED_CHARS = 120
_SHORT_LIST = 10  # lines compared in full
_QUOTE_CHARS = 160
_LEAST_PART = 4  # characters of a line that are taken for a part of another


def ambiguous(edit: Edit, num_edits: int, places: Sequence[int]) -> PatchError:
    """The text fits in several places."""
    where = ", ".join(str(place + 1) for place in sorted(places)[:MOST_PLACES])
    many = "at least " if len(places) >= MOST_PLACES else ""
    return PatchError(
        f"SEARCH block {edit.number} of {num_edits} occurs {many}{len(places)} times, at lines {where} of the program; "
        "add neighbouring lines to it until it is unique"
    )


def empty_search(edit: Edit, num_edits: int) -> PatchError:
    """There is nothing to look for."""
    return PatchError(
        f"SEARCH block {edit.number} of {num_edits} is empty, and the EVOLVE-BLOCK is not; to insert lines, quote a "
        "line next to them in SEARCH and repeat it in REPLACE"
    )


def not_found(edit: Edit, num_edits: int, program: Program) -> PatchError:
    """The text occurs nowhere that may change."""
    name = f"SEARCH block {edit.number} of {num_edits}"
    quoted = _inner(edit.search)
    elsewhere = LineIndex(program, str.strip, everywhere=True).places(quoted)
    if elsewhere:
        where = f"line {elsewhere[0] + 1} of the program"
        if all(program.editable[elsewhere[0] : elsewhere[0] + len(quoted)]):
            return PatchError(f"{name} differs from {where} on in the indentation of some lines: quote it exactly")
        return PatchError(
            f"{name} reaches outside the EVOLVE-BLOCKs ({where}); only lines between the markers may change, and "
            "marker lines must not be quoted"
        )
    strange = _unknown_line(edit, LineIndex(program, str.strip)) or _unknown_line(edit, LineIndex(program, str.rstrip))
    if not strange:
        return PatchError(
            f"{name} does not occur: each of its lines is in the program, but not one after the other as quoted; "
            "quote consecutive lines, and use one block per place"
        )
    return PatchError(
        f"{name} does not occur in the EVOLVE-BLOCKs of the program: its line {strange} is "
        f"{edit.search[strange - 1][:_QUOTE_CHARS]!r}, {_closest(edit.search[strange - 1], program)}. "
        "Quote the program's lines exactly, indentation included"
    )


def overlap(first: int, second: int, num_edits: int) -> PatchError:
    """Two edits change the same lines."""
    return PatchError(
        f"SEARCH blocks {first} and {second} of {num_edits} overlap: every block is applied to the program as shown, "
        "so merge the two"
    )


def _unknown_line(edit: Edit, known: LineIndex) -> int:
    """The first line of SEARCH that does not occur at all, from 1; 0 if all do."""
    return next((n for n, line in enumerate(edit.search, 1) if line.strip() and not known.holds(line)), 0)


def _inner(lines: Sequence[str]) -> Sequence[str]:
    filled = [place for place, line in enumerate(lines) if line.strip()]
    return lines[filled[0] : filled[-1] + 1]


def _closest(wanted: str, program: Program) -> str:
    """The line that the text is a part of, or else the most similar one, found among the first that may change."""
    part = wanted.strip()
    if len(part) >= _LEAST_PART:
        held = (place for place, line in enumerate(program.lines) if program.editable[place] and part in line)
        place = next(held, None)
        if place is not None:
            return f"which is a part of line {place + 1}: {program.lines[place][:_QUOTE_CHARS]!r}"
    matcher = SequenceMatcher(autojunk=False, b=wanted.strip()[:_COMPARED_CHARS])
    rough: list[tuple[float, int]] = []
    for place, (line, editable) in enumerate(zip(program.lines, program.editable, strict=True)):
        if editable and line.strip():
            matcher.set_seq1(line.strip()[:_COMPARED_CHARS])
            rough.append((-matcher.quick_ratio(), place))
        if len(rough) == _COMPARED_LINES:
            break
    if not rough:
        return "but the EVOLVE-BLOCKs hold no line at all"
    best, closest = -1.0, 0
    for _, place in sorted(rough)[:_SHORT_LIST]:
        matcher.set_seq1(program.lines[place].strip()[:_COMPARED_CHARS])
        if matcher.ratio() > best:
            best, closest = matcher.ratio(), place
    return f"the closest line is line {closest + 1}: {program.lines[closest][:_QUOTE_CHARS]!r}"
