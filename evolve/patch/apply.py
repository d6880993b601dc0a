"""Reply in, child out: which form a reply has, and the child that it makes of its parent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from evolve.blocks import outside_blocks
from evolve.patch.diagnosis import overlap
from evolve.patch.matching import Change, Matcher
from evolve.patch.patched import MAX_REPLY_BYTES, MAX_SOURCE_BYTES, Patched, PatchError, ReplyForm
from evolve.patch.program import Program
from evolve.patch.reply import (
    Fence,
    change_line,
    is_change_line,
    opens_edit,
    programs_among,
    read_edits,
    read_fences,
)
from evolve.patch.whole import bodies_of

_MARK = "EVOLVE-BLOCK-START"


def apply_reply(parent: str, reply: str, form: ReplyForm) -> Patched:
    """The child that `reply` makes of `parent`; not a byte outside the EVOLVE-BLOCK bodies differs.

    A reply in the other form than the prompt asked for is accepted where it leaves no doubt. Every edit is applied to
    the parent as it was shown, so their order does not matter.

    Raises:
        PatchError: The reply has no usable form, does not fit the parent, changes what may not change, or is too large.
    """
    lines = _checked(reply, MAX_REPLY_BYTES, "the reply").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    program = Program(_checked(parent, MAX_SOURCE_BYTES, "the program to change"))
    fences = read_fences(lines)
    bodies, num_edits = _bodies(program, lines, fences, form)
    source = _checked(program.with_bodies(bodies), MAX_SOURCE_BYTES, "the program that comes of the reply")
    if program.is_marked and outside_blocks(source) != outside_blocks(parent):
        raise PatchError("the reply changes text outside the EVOLVE-BLOCKs")
    return Patched(source, change_line(lines, fences), num_edits)


def _checked(text: str, max_bytes: int, name: str) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise PatchError(f"{name} holds half a surrogate pair at character {error.start}, which is no text") from error
    if size > max_bytes:
        raise PatchError(f"{name} has {size} bytes; at most {max_bytes} are allowed")
    return text


def _bodies(
    program: Program, lines: Sequence[str], fences: Sequence[Fence], form: ReplyForm
) -> tuple[Sequence[str], int]:
    """The new bodies, and how many edits they are."""
    has_edits = any(map(opens_edit, lines))
    whole = _whole_program(lines, fences)
    if has_edits and (form is ReplyForm.DIFF or whole is None):
        edits = read_edits(lines)
        matcher = Matcher(program, len(edits))
        return _edited(program, [matcher.change(edit) for edit in edits]), len(edits)
    if whole is None:
        wanted = "a SEARCH/REPLACE block" if form is ReplyForm.DIFF else "a program in one fenced ```python block"
        raise PatchError(f"the reply holds no program: expected {wanted}")
    bodies = bodies_of(program, whole, may_be_body=form is ReplyForm.FULL)
    return bodies, len(bodies)


def _whole_program(lines: Sequence[str], fences: Sequence[Fence]) -> str | None:
    """The last fenced program that has markers, or the last one at all; a reply with markers and no fence is one."""
    programs = programs_among(fences)
    if not programs and not fences and any(_MARK in line for line in lines):
        return "\n".join(line for line in lines if not is_change_line(line))
    if not programs:
        return None
    chosen = next((fence for fence in reversed(programs) if _MARK in fence.text), programs[-1])
    if not chosen.closed:
        raise PatchError("the fenced program has no closing fence: the reply was cut off; send a shorter program")
    return chosen.text


def _edited(program: Program, changes: Sequence[Change]) -> list[str]:
    """The body of each block after all `changes`."""
    ordered = sorted(changes, key=lambda change: (change.start, change.end))
    for one, other in pairwise(ordered):
        if other.start < one.end or other.start == one.start:
            first, second = sorted((one.number, other.number))
            raise overlap(first, second, len(changes))
    bodies: list[str] = []
    waiting = iter([*ordered, None])
    change = next(waiting)
    for block in program.blocks:
        body: list[str] = []
        place = block.first_line - 1
        while change is not None and change.end <= block.last_line:
            body += [*program.lines[place : change.start], *change.lines]
            place, change = change.end, next(waiting)
        body += program.lines[place : block.last_line]
        bodies.append("".join(line + "\n" for line in body))
    return bodies
