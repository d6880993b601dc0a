"""The parts of a reply: prose, SEARCH/REPLACE blocks and fenced programs. One pass over its lines each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evaluators.sandbox.plain_text import one_line
from evolve.patch.patched import MAX_CHANGE_CHARS, MAX_EDITS, PatchError

DIVIDER = "======="
_PYTHON = frozenset({"python", "py", "python3"})
_CHANGE = "CHANGE:"
_LONGEST_MARKER = 40  # characters of an opener or closer, indentation apart
_MARKDOWN = " \t*_#>-`"  # before the words of a line
_EMPHASIS = " \t*_"
_READ_CHARS = 1000  # of a line of prose
_READ_LINES = 2000  # of a reply, in search of prose


@dataclass(frozen=True, slots=True)
class Edit:
    """One SEARCH/REPLACE block, as lines without newlines."""

    number: int  # from 1, as in messages
    search: tuple[str, ...]
    replacement: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced block of a reply; `start` and `end` are the places of its own two lines."""

    info: str  # first word after the opening backticks, lower case
    lines: tuple[str, ...]
    start: int
    end: int
    closed: bool

    @property
    def text(self) -> str:
        """What it holds."""
        return "".join(line + "\n" for line in self.lines)


def opens_edit(line: str) -> bool:
    """Whether `line` is ``<<<<<<< SEARCH``."""
    return _is_marker(line, "<", "SEARCH")


def closes_edit(line: str) -> bool:
    """Whether `line` is ``>>>>>>> REPLACE``."""
    return _is_marker(line, ">", "REPLACE")


def read_edits(lines: Sequence[str]) -> tuple[Edit, ...]:
    """The SEARCH/REPLACE blocks from top to bottom.

    Raises:
        PatchError: A block lacks one of its three marker lines or has one twice, or there are too many blocks.
    """
    edits: list[Edit] = []
    opened: int | None = None
    for place, line in enumerate(lines):
        if opens_edit(line):
            if opened is not None:
                raise _unclosed(len(edits) + 1)
            opened = place
        elif closes_edit(line):
            if opened is None:
                raise PatchError(f"line {place + 1} of the reply is '>>>>>>> REPLACE' without a '<<<<<<< SEARCH' line")
            edits.append(_edit(len(edits) + 1, lines[opened], lines[opened + 1 : place]))
            opened = None
        if len(edits) > MAX_EDITS:
            raise PatchError(f"expected at most {MAX_EDITS} SEARCH/REPLACE blocks, found more: send the whole program")
    if opened is not None:
        raise _unclosed(len(edits) + 1)
    return tuple(edits)


def read_fences(lines: Sequence[str]) -> tuple[Fence, ...]:
    """The fenced blocks from top to bottom; of backticks or tildes, as in CommonMark."""
    fences: list[Fence] = []
    opened: int | None = None
    for place, line in enumerate(lines):
        if opened is None:
            if _fence_run(line) and "`" not in line.lstrip().lstrip("`"):
                opened = place
        elif _closes(line, lines[opened]):
            fences.append(_fence(lines, opened, place, closed=True))
            opened = None
    if opened is not None:
        fences.append(_fence(lines, opened, len(lines), closed=False))
    return tuple(fences)


def programs_among(fences: Sequence[Fence]) -> tuple[Fence, ...]:
    """The fences that hold Python and no SEARCH/REPLACE block; those that do not say so count if none does."""
    plain = [fence for fence in fences if any(map(str.strip, fence.lines)) and not any(map(opens_edit, fence.lines))]
    named = tuple(fence for fence in plain if fence.info in _PYTHON)
    return named or tuple(fence for fence in plain if not fence.info)


def change_line(lines: Sequence[str], fences: Sequence[Fence]) -> str:
    """What the reply says it changes: its ``CHANGE:`` line, else its first line of prose; one line of plain text."""
    first = ""
    for line in _prose(lines, fences):
        words = line[:_READ_CHARS].lstrip(_MARKDOWN)
        if is_change_line(line):
            return _short(words[len(_CHANGE) :])
        first = first or words
    return _short(first)


def is_change_line(line: str) -> bool:
    """Whether `line` says what the reply changes."""
    return line[:_READ_CHARS].lstrip(_MARKDOWN)[: len(_CHANGE)].upper() == _CHANGE


def _short(words: str) -> str:
    return one_line(words.strip(_EMPHASIS), MAX_CHANGE_CHARS).strip()


def _prose(lines: Sequence[str], fences: Sequence[Fence]) -> Iterator[str]:
    """The lines outside fences and SEARCH/REPLACE blocks, as far as a summary may be looked for."""
    fenced = {place for fence in fences for place in range(fence.start, min(fence.end, _READ_LINES) + 1)}
    inside = False
    for place, line in enumerate(lines[:_READ_LINES]):
        inside = inside or opens_edit(line)
        if not inside and place not in fenced:
            yield line
        inside = inside and not closes_edit(line)


def _is_marker(line: str, sign: str, word: str) -> bool:
    if sign * 5 not in line[:_READ_CHARS]:
        return False
    text = line.strip()
    rest = text.lstrip(sign)
    return len(text) <= _LONGEST_MARKER and 5 <= len(text) - len(rest) <= 9 and rest.strip() == word


def _edit(number: int, opener: str, lines: Sequence[str]) -> Edit:
    indent = opener[: len(opener) - len(opener.lstrip())]
    dividers = [place for place, line in enumerate(lines) if line.rstrip() == indent + DIVIDER]
    if len(dividers) != 1:
        raise PatchError(
            f"SEARCH block {number} has {len(dividers)} {DIVIDER!r} lines between '<<<<<<< SEARCH' and "
            "'>>>>>>> REPLACE'; it must have exactly one"
        )
    return Edit(number, tuple(lines[: dividers[0]]), tuple(lines[dividers[0] + 1 :]))


def _unclosed(number: int) -> PatchError:
    return PatchError(
        f"SEARCH block {number} has no '>>>>>>> REPLACE' line; if the reply was cut off, send fewer edits"
    )


def _fence_run(line: str) -> str:
    """The backticks or tildes that begin a fence line; empty if it is none."""
    text = line.lstrip()
    if text[:3] not in ("```", "~~~"):
        return ""
    return text[: len(text) - len(text.lstrip(text[0]))]


def _closes(line: str, opener: str) -> bool:
    text, run = line.strip(), _fence_run(opener)
    return len(text) >= len(run) and not text.strip(run[0])


def _fence(lines: Sequence[str], start: int, end: int, closed: bool) -> Fence:
    opener = lines[start]
    run = _fence_run(opener)
    indent = opener[: len(opener) - len(opener.lstrip())]
    info = opener.strip()[len(run) :].split(maxsplit=1)
    inner = tuple(line.removeprefix(indent) for line in lines[start + 1 : end])
    return Fence(info[0].lower() if info else "", inner, start, end, closed)
