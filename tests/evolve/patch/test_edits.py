"""SEARCH/REPLACE replies."""

from __future__ import annotations

import pytest

from evolve.blocks import END, START
from evolve.patch import PatchError, ReplyForm, apply_reply

PARENT = f"""import math

{START}
def weight(age):
    if age > 3:
        return 0.0
    return 0.5**age


def total(loads):
    return sum(loads)


{END}
LIMIT = 4

{START}
def plan(loads):
    return sorted(loads)
{END}


class Policy:
    pass
"""


def edit(search: str, replacement: str) -> str:
    return f"<<<<<<< SEARCH\n{search}=======\n{replacement}>>>>>>> REPLACE\n"


def child(reply: str, parent: str = PARENT) -> str:
    return apply_reply(parent, reply, ReplyForm.DIFF).source


def test_a_block_replaces_the_lines_it_quotes() -> None:
    reply = "CHANGE: decay faster\n\n" + edit("    return 0.5**age\n", "    return 0.25**age\n")
    patched = apply_reply(PARENT, reply, ReplyForm.DIFF)
    assert patched.source == PARENT.replace("0.5**age", "0.25**age")
    assert (patched.change, patched.edits) == ("decay faster", 1)


def test_several_blocks_apply_to_the_program_as_shown_in_any_order() -> None:
    first, second = (
        edit("def total(loads):\n", "def total(loads, x=1):\n"),
        edit("    return 0.5**age\n", "    return 1\n"),
    )
    third = edit("    return sorted(loads)\n", "    loads = list(loads)\n    return loads\n")
    expected = PARENT.replace("total(loads)", "total(loads, x=1)").replace("0.5**age", "1")
    expected = expected.replace("    return sorted(loads)\n", "    loads = list(loads)\n    return loads\n")
    assert child(first + second + third) == child(third + first + second) == expected


@pytest.mark.parametrize("wrapping", ["{}", "```python\n{}```\n", "```\n{}```", "Here:\n\n~~~diff\n{}~~~\nDone."])
def test_fences_around_blocks_do_not_matter(wrapping: str) -> None:
    assert child(wrapping.format(edit("    return sum(loads)\n", ""))) == PARENT.replace("    return sum(loads)\n", "")


def test_windows_line_ends_do_not_matter() -> None:
    reply = edit("    return sum(loads)\n", "    x = 1\n    return x\n").replace("\n", "\r\n")
    assert child(reply) == PARENT.replace("    return sum(loads)\n", "    x = 1\n    return x\n")
    windows = PARENT.replace("\n", "\r\n")
    assert child(reply, windows).startswith(windows[: windows.index("    return sum")] + "    x = 1\n")


def test_blanks_at_line_ends_and_around_the_text_do_not_matter() -> None:
    assert child(edit("\n\n    return sum(loads)  \n\n", "\n    return 2\n\n")) == PARENT.replace("sum(loads)", "2")


def test_a_uniform_shift_is_found_and_applied_to_the_replacement() -> None:
    moved_left = edit("if age > 3:\n    return 0.0\n", "if age > 9:\n    if age:\n        return 1.0\n")
    moved_right = edit("            if age > 3:\n", "            if age > 9:\n                age = 1\n")
    assert child(moved_left) == PARENT.replace(
        "    if age > 3:\n        return 0.0\n", "    if age > 9:\n        if age:\n            return 1.0\n"
    )
    assert child(moved_right) == PARENT.replace("    if age > 3:\n", "    if age > 9:\n        age = 1\n")


def test_a_block_indented_as_a_whole_is_taken_as_one() -> None:
    reply = "".join("  " + line for line in edit("def total(loads):\n", "def total(heat):\n").splitlines(keepends=True))
    assert child(f"1. rename\n\n{reply}") == PARENT.replace("def total(loads)", "def total(heat)")


def test_an_empty_block_is_filled_by_an_empty_search() -> None:
    assert child(edit("", "x = 1\n"), f"{START}\n{END}\ny = 2\n") == f"{START}\nx = 1\n{END}\ny = 2\n"
    assert child(edit("\n", "x = 1\n"), f"{START}\n\n\n{END}\n") == f"{START}\nx = 1\n{END}\n"


def test_a_program_without_markers_may_change_everywhere() -> None:
    assert child(edit("y = 2\n", "y = 3\n"), "x = 1\ny = 2\n") == "x = 1\ny = 3\n"


def test_a_whole_program_is_accepted_where_edits_were_asked_for() -> None:
    changed = PARENT.replace("sum(loads)", "max(loads)")
    assert child(f"I rewrote it.\n```python\n{changed}```\n") == changed


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            edit("    return sum(load)\n", ""),
            r"block 1 of 1 .* line 1 is '    return sum\(load\)', the closest line is ",
        ),
        (edit("    return sum(load)\n", ""), r"line 11: '    return sum\(loads\)'"),
        (edit("    return 0.0\n    return 0.5**age\n    loads\n", ""), "its line 3 is '    loads'"),
        (
            edit("    return sum(\n", "    return max(\n"),
            r"its line 1 is '    return sum\(', which is a part of line 11: '    return sum\(loads\)'",
        ),
        (
            edit("    return 0.5**age\n        return 0.0\n", ""),
            "each of its lines is in the program, but not one after",
        ),
        (
            edit("    return sum(loads)\n", "") + edit("LIMIT = 4\n", "LIMIT = 5\n"),
            "block 2 of 2 reaches outside .*line 15",
        ),
        (edit(f"{START}\ndef plan(loads):\n", ""), "reaches outside .*marker lines must not be quoted"),
        (edit("    return 0.5**age\n", f"    return 1\n{END}\n"), "contains an EVOLVE-BLOCK marker"),
        (edit("\n", "x = 1\n"), "block 1 of 1 is empty, and the EVOLVE-BLOCK is not"),
        (edit("    if age > 3:\n    return 0.0\n", ""), "differs from line 5 of the program on in the indentation"),
        (edit("    return sum(loads)\n", "") * 2, "blocks 1 and 2 of 2 overlap"),
        (
            edit("def weight(age):\n    if age > 3:\n", "") + edit("    if age > 3:\n", ""),
            "blocks 1 and 2 of 2 overlap",
        ),
        ("<<<<<<< SEARCH\nx\n=======\ny\n", "block 1 has no '>>>>>>> REPLACE' line"),
        ("<<<<<<< SEARCH\nx\n" + edit("x\n", "y\n"), "block 1 has no '>>>>>>> REPLACE' line"),
        ("<<<<<<< SEARCH\nx\n>>>>>>> REPLACE\n", "block 1 has 0 '=======' lines"),
        (edit("x\n", "=======\n"), "block 1 has 2 '=======' lines"),
        (">>>>>>> REPLACE\n", "the reply holds no program: expected a SEARCH/REPLACE block"),
        ("x\n>>>>>>> REPLACE\n" + edit("x\n", "y\n"), "line 2 of the reply is '>>>>>>> REPLACE' without"),
        ("I would rather not.", "the reply holds no program"),
        ("", "the reply holds no program"),
        ("```python\ndef total(loads):\n    return 1\n```", "has 2 EVOLVE-BLOCKs: keep all its marker lines"),
        (edit("x\n", "y\n") * 201, "at most 200 SEARCH/REPLACE blocks"),
        ("x" * (1 << 20) + "y", "the reply has 1048577 bytes; at most 1048576"),
        (edit("    return sum(loads)\n", "#" * (256 << 10) + "\n"), "the program that comes of the reply has .* bytes"),
        (edit("    return sum(loads)\n", "'\ud800'\n"), "half a surrogate pair"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(reply: str, message: str) -> None:
    with pytest.raises(PatchError, match=message):
        child(reply)


def test_a_text_that_fits_twice_is_refused() -> None:
    parent = f"{START}\nx = 1\ny = 2\nif y:\n    x = 1\nx = 1  \n{END}\n"
    with pytest.raises(PatchError, match=r"occurs 2 times, at lines 2, 6 of the program; add neighbouring"):
        child(edit("x = 1 \n", "x = 2\n"), parent)
    assert child(edit("x = 1\ny = 2\n", "x = 2\ny = 2\n"), parent) == parent.replace("x = 1\ny", "x = 2\ny")
    with pytest.raises(PatchError, match="occurs 2 times"):
        child(edit("  x = 1\n", "  x = 2\n"), f"{START}\nx = 1\nif y:\n    x = 1\n{END}\n")


def test_a_snippet_is_no_program_where_edits_were_asked_for() -> None:
    with pytest.raises(PatchError, match="has no SEARCH/REPLACE block, and its program lacks the EVOLVE-BLOCK marker"):
        child("```python\nx = 2\n```", f"import math\n{START}\nx = 1\n{END}\nclass Policy: ...\n")


@pytest.mark.parametrize(
    ("reply", "change"),
    [
        ("**CHANGE:** use `LPT`\n", "use `LPT`"),
        ("# Plan\nchange: a\u202eb\x07c\n", "abc"),
        ("Let me think.\nMore.\n", "Let me think."),
        ("CHANGE: " + "long " * 100, ("long " * 100)[:120]),
        ("", ""),
    ],
)
def test_the_change_is_one_short_plain_line(reply: str, change: str) -> None:
    patched = apply_reply(PARENT, reply + "\n" + edit("    return sum(loads)\n", "    return 1\n"), ReplyForm.DIFF)
    assert patched.change == change.strip()


def test_the_change_is_not_taken_from_code() -> None:
    reply = edit("    return sum(loads)\n", "    # CHANGE: none\n    return 1\n") + "CHANGE: return one\n"
    assert apply_reply(PARENT, reply, ReplyForm.DIFF).change == "return one"
