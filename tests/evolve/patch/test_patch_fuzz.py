"""Whatever a model sends: the text around the blocks stays, and nothing but `PatchError` is raised."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.blocks import END, START, find_blocks, outside_blocks
from evolve.patch import Patched, PatchError, ReplyForm, apply_reply
from evolve.patch.patched import MAX_CHANGE_CHARS, MAX_REPLY_BYTES, MAX_SOURCE_BYTES

PARENT = (
    f"import math\n{START}\nx = 1\n\nif x:\n    y = 2\n    x = 1\n{END}\n\nz = 3\n  {START}\n  w = 4\n  {END}\nend = 5"
)
ONE_BLOCK = f"import math\n{START}\nx = 1\n{END}\nend = 5\n"
PARENTS = [PARENT, ONE_BLOCK, ONE_BLOCK.replace("\n", "\r\n"), f"{START}\n{END}", "x = 1\ny = 2", ""]
PIECES = [
    *(
        "<<<<<<< SEARCH",
        "=======",
        ">>>>>>> REPLACE",
        "  <<<<<<< SEARCH",
        "  =======",
        "  >>>>>>> REPLACE",
        "<<<<<< SEARCH ",
    ),
    *(
        "```python",
        "```",
        "````",
        "~~~",
        "```python parent",
        START,
        END,
        "  " + START,
        "  " + END,
        "# EVOLVE-BLOCK-STARTLE",
    ),
    *(
        "x = 1",
        "    x = 1",
        "x = 1  ",
        "if x:",
        "    y = 2",
        "y = 2",
        "  w = 4",
        "w = 4",
        "z = 3",
        "import math",
        "end = 5",
    ),
    *(
        "",
        " ",
        "...",
        "CHANGE: more",
        "prose",
        "\r",
        "\x00",
        "\u2028",
        "\x0c",
        "\ud800",
        "\u202e",
        "x\r# EVOLVE-BLOCK-END",
    ),
]
REPLIES = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=24).map("\n".join)


def check(parent: str, reply: str, form: ReplyForm) -> None:
    patched = _applied(parent, reply, form)
    if isinstance(patched, str):
        assert 0 < len(patched) < 2000
        return
    if find_blocks(parent):
        assert outside_blocks(patched.source) == outside_blocks(parent)
    assert len(patched.change) <= MAX_CHANGE_CHARS
    assert len(patched.change.splitlines()) <= 1
    assert len(patched.source.encode()) <= MAX_SOURCE_BYTES


def _applied(parent: str, reply: str, form: ReplyForm) -> Patched | str:
    try:
        return apply_reply(parent, reply, form)
    except PatchError as error:
        return str(error)


@settings(max_examples=400, deadline=None)
@given(parent=st.sampled_from(PARENTS), reply=REPLIES, form=st.sampled_from(ReplyForm))
def test_pieces_of_replies_in_any_order(parent: str, reply: str, form: ReplyForm) -> None:
    check(parent, reply, form)


@settings(max_examples=150, deadline=None)
@given(
    parent=st.sampled_from(PARENTS),
    edits=st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4), REPLIES), min_size=1, max_size=3),
)
def test_edits_that_quote_the_parent(parent: str, edits: list[tuple[int, int, str]]) -> None:
    lines = parent.split("\n")
    reply = "".join(
        "<<<<<<< SEARCH\n"
        + "".join(line + "\n" for line in lines[place : place + size])
        + f"=======\n{text}\n>>>>>>> REPLACE\n"
        for place, size, text in edits
    )
    check(parent, reply, ReplyForm.DIFF)


@settings(max_examples=100, deadline=None)
@given(parent=st.text(max_size=200), reply=st.text(max_size=200), form=st.sampled_from(ReplyForm))
def test_any_text(parent: str, reply: str, form: ReplyForm) -> None:
    check(parent, reply, form)


BODY_LINE = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "Zs"), exclude_characters="#`~"), max_size=12
)


@settings(max_examples=150, deadline=None)
@given(body=st.lists(BODY_LINE, min_size=1, max_size=8), new=st.lists(BODY_LINE, max_size=4), place=st.integers(0, 7))
def test_a_unique_line_is_replaced_and_all_others_stay(body: list[str], new: list[str], place: int) -> None:
    place %= len(body)
    body[place] = f"unique_{place}"
    if any(text.strip() == f"unique_{place}" for n, text in enumerate(body) if n != place):
        return
    parent = "\n".join(["head", START, *body, END, "tail", ""])
    reply = "\n".join(["<<<<<<< SEARCH", body[place], "=======", *new, ">>>>>>> REPLACE"])
    expected = "\n".join(["head", START, *body[:place], *new, *body[place + 1 :], END, "tail", ""])
    assert apply_reply(parent, reply, ReplyForm.DIFF).source == expected


def _hostile_replies() -> list[tuple[str, str]]:
    many = "<<<<<<< SEARCH\n" + "a\n" * 50 + "b\n" + "a\n" * 48 + "=======\n>>>>>>> REPLACE\n"
    lines = "a\n" * 60_000
    return [
        (lines, "<<<<<<< SEARCH\n" + "a\n" * 59_000 + "b\n=======\n>>>>>>> REPLACE\n"),
        ("a\nb\n" * 30_000, "<<<<<<< SEARCH\n" + "a\nb\n" * 29_000 + "b\n=======\n>>>>>>> REPLACE\n"),
        ("x" * 200_000 + "\n", "<<<<<<< SEARCH\n" + "x" * 200_001 + "\n=======\n>>>>>>> REPLACE\n"),
        (lines, many * 150),
        ("x\n", "<<<<<<< SEARCH\n" * 60_000),
        ("x\n", "=======\n" * 120_000 + ">>>>>>> REPLACE\n"),
        ("x\n", "`" * MAX_REPLY_BYTES),
        ("x\n", "```\n" * 250_000),
        ("x\n", "\n" * MAX_REPLY_BYTES),
        ("x\n", " " * MAX_REPLY_BYTES),
        ("x\n", (START + "\n" + END + "\n") * 20_000),
        ("x\n", "```python\n" + (START + "\n" + END + "\n") * 20_000 + "```"),
        ("x\n", "<" * MAX_REPLY_BYTES),
        ("x\n", "CHANGE: " + "\u202e" * 300_000),
    ]


@pytest.mark.parametrize("case", range(14))
def test_hostile_texts_of_full_size_end_in_an_answer(case: int) -> None:
    body, reply = _hostile_replies()[case]
    for form in ReplyForm:
        with contextlib.suppress(PatchError):
            apply_reply(f"{START}\n{body}{END}\n", reply, form)
