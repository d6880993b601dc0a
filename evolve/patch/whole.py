"""The bodies of a program that came whole.

With markers, the texts between them are the bodies. Outside of them lines may be left out, and comments or ``...`` may
stand for them, but none may be added or changed. Without markers, for a parent with one block: if the text begins and
ends with the parent's own lines around the block, what is between is the body; else the text is the body, provided it
was asked for and repeats no definition from outside the block.
"""

from __future__ import annotations

from collections.abc import Sequence

from evolve.blocks import Block, BlockError, find_blocks, outside_blocks
from evolve.patch.patched import PatchError
from evolve.patch.program import Program

_MARK = "EVOLVE-BLOCK-"
_MOST_MARKS = 1000  # so that finding them stays cheap
_QUOTE_CHARS = 160


def bodies_of(program: Program, text: str, may_be_body: bool) -> list[str]:
    """A body for each block of `program`, from `text`; `may_be_body` says whether it may be one without saying so.

    Raises:
        PatchError: Which text belongs into which block is not certain, or text outside of them was changed.
    """
    blocks = _blocks(text)
    own = find_blocks(program.source)
    if not own:
        if blocks:
            raise PatchError("the program has no EVOLVE-BLOCK markers; send it without any")
        return [text]
    if blocks:
        if len(blocks) != len(own):
            raise PatchError(
                f"the program has {len(own)} EVOLVE-BLOCKs, but the reply has {len(blocks)}: keep all its marker lines"
            )
        _refuse_changes_outside(program.source, text)
        return [block.body(text) for block in blocks]
    if len(own) > 1:
        raise PatchError(f"the program has {len(own)} EVOLVE-BLOCKs: keep all its marker lines in the reply")
    return [_unmarked_body(program.source, text, may_be_body)]


def _blocks(text: str) -> tuple[Block, ...]:
    if text.count(_MARK) > _MOST_MARKS:
        raise PatchError(f"expected a program with a few EVOLVE-BLOCKs, found more than {_MOST_MARKS} markers")
    try:
        return find_blocks(text)
    except BlockError as error:
        raise PatchError(f"the markers in the reply do not pair up: {error}") from error


def _refuse_changes_outside(parent: str, text: str) -> None:
    known = {line.strip() for part in outside_blocks(parent) for line in part.split("\n")}
    for part in outside_blocks(text):
        for line in part.split("\n"):
            words = line.strip()
            if words and words != "..." and not words.startswith("#") and words not in known:
                raise PatchError(
                    f"the line {words[:_QUOTE_CHARS]!r} stands outside the EVOLVE-BLOCKs and is not in the program "
                    "shown; nothing may be added or changed there: move it between the markers"
                )


def _unmarked_body(parent: str, text: str, may_be_body: bool) -> str:
    head, tail = (_filled(part.split("\n")) for part in outside_blocks(parent))
    head, tail = head[:-1], tail[1:]  # the marker lines
    lines = text.split("\n")
    filled = [place for place, line in enumerate(lines) if line.strip()]
    stripped = [lines[place].rstrip() for place in filled]
    num_inside = len(filled) - len(head) - len(tail)
    if num_inside >= 0 and stripped[: len(head)] == head and stripped[len(head) + num_inside :] == tail:
        inside = filled[len(head) : len(head) + num_inside]
        return "".join(line + "\n" for line in lines[inside[0] : inside[-1] + 1]) if inside else ""
    if not may_be_body:
        raise PatchError(
            "the reply has no SEARCH/REPLACE block, and its program lacks the EVOLVE-BLOCK marker lines; send "
            "SEARCH/REPLACE blocks, or the whole program with its marker lines"
        )
    repeated = {line for line in (*head, *tail) if _defines(line)}.intersection(stripped)
    if repeated:
        raise PatchError(
            f"the reply repeats {min(repeated)[:_QUOTE_CHARS]!r} from outside the EVOLVE-BLOCK and lacks the marker "
            "lines; send the whole program with its marker lines"
        )
    return text


def _filled(lines: Sequence[str]) -> list[str]:
    return [line.rstrip() for line in lines if line.strip()]


def _defines(line: str) -> bool:
    """Whether a line defines a name at the top level; imports apart, which a body may repeat."""
    return line.startswith(("def ", "class ", "async def ")) or (
        line.partition(" = ")[0].isidentifier() and " = " in line
    )
