"""The program that edits apply to: its lines, which of them may change, and where a run of lines occurs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evolve.blocks import Block, BlockError, find_blocks, replace_bodies
from evolve.patch.patched import PatchError

_OUTSIDE = "\0"
MOST_PLACES = 3  # that are told


class Program:
    """A parent, line by line. Without markers all of it may change."""

    def __init__(self, source: str) -> None:
        self.source = source
        marked = _marked_blocks(source)
        self.is_marked = bool(marked)
        self.blocks = marked or (_everything(source),)
        self.lines = source.split("\n")
        self.editable = bytearray(len(self.lines))
        for block in self.blocks:
            size = block.last_line - block.first_line + 1
            self.editable[block.first_line - 1 : block.last_line] = b"\1" * size

    def with_bodies(self, bodies: Sequence[str]) -> str:
        """The program with the body of each block replaced.

        Raises:
            PatchError: A body contains a marker.
        """
        if not self.is_marked:
            return bodies[0]
        try:
            return replace_bodies(self.source, bodies)
        except BlockError as error:
            raise PatchError(str(error)) from error


class LineIndex:
    """Where runs of lines occur among the lines that may change, compared by `key`.

    Each distinct key becomes one character, so that `str.find`, which is linear, finds runs of lines.
    """

    def __init__(self, program: Program, key: Callable[[str], str], everywhere: bool = False) -> None:
        self._key = key
        self._characters: dict[str, str] = {}
        self._text = "".join(
            self._character(key(line)) if everywhere or editable else _OUTSIDE
            for line, editable in zip(program.lines, program.editable, strict=True)
        )

    def places(self, run: Sequence[str]) -> list[int]:
        """Up to `MOST_PLACES` places, from 0, where the lines of `run` follow each other."""
        if any(self._key(line) not in self._characters for line in run):
            return []
        wanted = "".join(self._characters[self._key(line)] for line in run)
        places: list[int] = []
        place = self._text.find(wanted)
        while place >= 0 and len(places) < MOST_PLACES:
            places.append(place)
            place = self._text.find(wanted, place + 1)
        return places

    def holds(self, line: str) -> bool:
        """Whether `line` occurs at all."""
        return self._key(line) in self._characters

    def _character(self, key: str) -> str:
        return self._characters.setdefault(key, chr(len(self._characters) + 1))


def _marked_blocks(source: str) -> tuple[Block, ...]:
    try:
        return find_blocks(source)
    except BlockError as error:
        raise PatchError(f"the program to change is broken: {error}") from error


def _everything(source: str) -> Block:
    return Block(0, len(source), 1, source.count("\n") + (not source.endswith("\n")))
