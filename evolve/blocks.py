"""The parts of a program that may change: regions between `# EVOLVE-BLOCK-START` and `# EVOLVE-BLOCK-END` lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evolve.errors import EvolveError

START = "# EVOLVE-BLOCK-START"
END = "# EVOLVE-BLOCK-END"

_MARKER = re.compile(r"^[ \t]*#[ \t]*EVOLVE-BLOCK-(START|END)\b[^\n]*\n?", re.MULTILINE)


class BlockError(EvolveError, ValueError):
    """A program's EVOLVE-BLOCK markers do not pair up, or a body does not fit between them."""


@dataclass(frozen=True, slots=True)
class Block:
    """One region. Its body begins after the start marker's line and ends before the end marker's line."""

    start: int  # offsets into the source, in characters
    end: int
    first_line: int  # lines of the body, from 1; an empty body has last_line = first_line - 1
    last_line: int

    def body(self, source: str) -> str:
        """The text between the markers."""
        return source[self.start : self.end]


def find_blocks(source: str) -> tuple[Block, ...]:
    """The regions of `source` from top to bottom; empty if it has no markers.

    Raises:
        BlockError: A region is opened inside another, closed without being open, or left open.
    """
    blocks: list[Block] = []
    opened: re.Match[str] | None = None
    for marker in _MARKER.finditer(source):
        line = _line_at(source, marker.start())
        if (marker[1] == "START") == (opened is not None):
            raise BlockError(_misplaced(source, line, opened))
        if opened is not None:
            first_line = _line_at(source, opened.start()) + 1
            blocks.append(Block(opened.end(), marker.start(), first_line, line - 1))
        opened = marker if opened is None else None
    if opened is not None:
        line = _line_at(source, opened.start())
        raise BlockError(f"the EVOLVE-BLOCK that starts in line {line} has no {END!r} line after it")
    return tuple(blocks)


def replace_bodies(source: str, bodies: Sequence[str]) -> str:
    """`source` with the body of each region replaced, everything outside kept byte for byte.

    A body that does not end in a newline gets one, so that the end marker keeps its own line.

    Raises:
        BlockError: `source` has unpaired markers or another number of regions, or a body contains a marker.
    """
    blocks = find_blocks(source)
    if len(bodies) != len(blocks):
        raise BlockError(f"the program has {len(blocks)} EVOLVE-BLOCKs, but {len(bodies)} bodies were given")
    pieces: list[str] = []
    kept = 0
    for number, (block, body) in enumerate(zip(blocks, bodies, strict=True), 1):
        if _MARKER.search(body):
            raise BlockError(f"body {number} of {len(bodies)} contains an EVOLVE-BLOCK marker line: leave it out")
        pieces += [source[kept : block.start], body if body.endswith("\n") or not body else body + "\n"]
        kept = block.end
    return "".join([*pieces, source[kept:]])


def outside_blocks(source: str) -> tuple[str, ...]:
    """The text around the regions, marker lines included: equal for a program and any legal child of it.

    Raises:
        BlockError: The markers do not pair up.
    """
    blocks = find_blocks(source)
    starts = [0, *(block.end for block in blocks)]
    ends = [*(block.start for block in blocks), len(source)]
    return tuple(source[start:end] for start, end in zip(starts, ends, strict=True))


def blocks_alone(source: str) -> str:
    """The regions with their marker lines, a blank line between two, and nothing of what is around them.

    Raises:
        BlockError: The markers do not pair up.
    """
    return "\n".join(f"{START}\n{block.body(source)}{END}\n" for block in find_blocks(source))


def without_markers(source: str) -> str:
    """`source` with its marker lines left out and nothing else changed."""
    return _MARKER.sub("", source)


def _misplaced(source: str, line: int, opened: re.Match[str] | None) -> str:
    if opened is None:
        return f"line {line} ends an EVOLVE-BLOCK, but none is open: it needs a {START!r} line before it"
    start = _line_at(source, opened.start())
    return f"line {line} starts an EVOLVE-BLOCK inside that of line {start}: they cannot be nested"


def _line_at(source: str, offset: int) -> int:
    return source.count("\n", 0, offset) + 1
