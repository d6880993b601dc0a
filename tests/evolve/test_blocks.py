from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.blocks import END, START, BlockError, find_blocks, outside_blocks, replace_bodies, without_markers

TWO = f"a = 1\n{START}\nb = 2\n{END}\nc = 3\n    {START} (tunable)\n    d = 4\n    {END}\ne = 5\n"
LINES = st.text(st.characters(codec="utf-8", exclude_characters="#\r"), max_size=20)


def test_regions_are_found_with_their_lines() -> None:
    blocks = find_blocks(TWO)
    assert [block.body(TWO) for block in blocks] == ["b = 2\n", "    d = 4\n"]
    assert [(block.first_line, block.last_line) for block in blocks] == [(3, 3), (7, 7)]


def test_a_program_without_markers_has_no_regions() -> None:
    assert find_blocks("x = 1\n") == ()
    assert outside_blocks("x = 1\n") == ("x = 1\n",)


def test_an_empty_region_has_an_empty_body() -> None:
    source = f"{START}\n{END}"
    (block,) = find_blocks(source)
    assert (block.body(source), block.first_line, block.last_line) == ("", 2, 1)


def test_bodies_are_replaced_and_the_end_marker_keeps_its_line() -> None:
    assert replace_bodies(TWO, ["b = 7", ""]) == TWO.replace("b = 2", "b = 7").replace("    d = 4\n", "")


@given(texts=st.lists(LINES, min_size=3, max_size=3), bodies=st.lists(LINES, min_size=2, max_size=2))
def test_everything_outside_is_kept_byte_for_byte(texts: list[str], bodies: list[str]) -> None:
    source = f"{texts[0]}\n{START}\nx\n{END}\n{texts[1]}\n{START}\ny\r\n{END}\n{texts[2]}"
    child = replace_bodies(source, bodies)
    assert outside_blocks(child) == outside_blocks(source)
    assert [block.body(child).rstrip("\n") for block in find_blocks(child)] == [body.rstrip("\n") for body in bodies]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (f"{START}\n{START}\n{END}\n", "line 2 starts an EVOLVE-BLOCK inside that of line 1: they cannot be nested"),
        (f"x\n{END}\n", "line 2 ends an EVOLVE-BLOCK, but none is open"),
        (f"x\n{START}\n", "the EVOLVE-BLOCK that starts in line 2 has no '# EVOLVE-BLOCK-END' line"),
    ],
)
def test_unpaired_markers_are_refused(source: str, message: str) -> None:
    with pytest.raises(BlockError, match=message):
        find_blocks(source)


def test_bodies_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BlockError, match="has 2 EVOLVE-BLOCKs, but 1 bodies"):
        replace_bodies(TWO, ["x"])
    with pytest.raises(BlockError, match="body 2 of 2 contains an EVOLVE-BLOCK marker"):
        replace_bodies(TWO, ["x", f"y\n{END}\n"])


def test_without_markers_nothing_else_changes() -> None:
    source = f"import numpy\n{START}\nx = 1\n  {END}\ny = 2"
    assert without_markers(source) == "import numpy\nx = 1\ny = 2"
    assert without_markers("x = 1\n") == "x = 1\n"
