from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.shingles import (
    GRAM,
    MAX_SHINGLES,
    WINDOW,
    anonymous_tokens,
    gram_hashes,
    resemblance,
    shingles,
    winnowed,
)

PROGRAM = """
def plan(loads, gpus):
    order = sorted(range(len(loads)), key=lambda e: -loads[e])
    heat = [0.0] * gpus
    for expert in order:
        gpu = heat.index(min(heat))
        heat[gpu] += loads[expert]
        yield expert, gpu
"""
HASHES = st.lists(st.integers(0, 20), max_size=60)


def test_tokens_keep_the_structure_and_no_name() -> None:
    tokens = list(anonymous_tokens("for x in y:  # go\n    z = f(x, 1.5, 'a')\n"))
    assert "".join(tokens) == "forninn:n=n(n,0,s)"


def test_renaming_layout_and_comments_change_nothing() -> None:
    other = PROGRAM.replace("heat", "burden").replace("0.0", "0.5").replace("    for", "\n    # each\n    for")
    assert shingles(other) == shingles(PROGRAM) != ()


def test_shingles_are_bounded_rising_and_fit_an_sql_integer() -> None:
    signs = random.Random(0).choices("+-*/|&%", k=12_000)
    found = shingles("x = 1" + "".join(sign + "a" for sign in signs))
    assert len(found) == MAX_SHINGLES
    assert list(found) == sorted(set(found))
    assert all(0 <= value < 2**61 for value in found)


def test_a_changed_line_leaves_most_shingles_and_another_program_few() -> None:
    changed = PROGRAM.replace("heat[gpu] += loads[expert]", "heat[gpu] = heat[gpu] + 2 * loads[expert]")
    other = (
        "import numpy as np\n\n\nclass Policy:\n    def __init__(self, config):\n        self.config = dict(config)\n"
    )
    assert 0.5 < resemblance(shingles(PROGRAM), shingles(changed)) < 1
    assert resemblance(shingles(PROGRAM), shingles(other)) < 0.1
    assert resemblance((), ()) == 1.0


@given(hashes=HASHES)
def test_winnowing_keeps_the_rightmost_minimum_of_every_window(hashes: list[int]) -> None:
    size = min(WINDOW, len(hashes))
    places: list[int] = []
    for start in range(len(hashes) - size + 1 if hashes else 0):
        window = hashes[start : start + size]
        place = start + max(n for n, value in enumerate(window) if value == min(window))
        if place not in places:
            places.append(place)
    assert winnowed(hashes) == [hashes[place] for place in places]


@given(
    before=st.lists(st.sampled_from("ab+("), max_size=20),
    shared=st.lists(st.sampled_from("ab+("), min_size=GRAM + WINDOW - 1, max_size=40),
    after=st.lists(st.sampled_from("ab+("), max_size=20),
)
def test_a_long_enough_shared_run_leaves_a_shared_hash(before: list[str], shared: list[str], after: list[str]) -> None:
    whole, part = winnowed(gram_hashes([*before, *shared, *after])), winnowed(gram_hashes(shared))
    assert set(whole) & set(part)


@pytest.mark.parametrize(
    ("source", "tokens"),
    [
        ("x = rb'a\\'b' + f\"{y}\" 'c'", "n=s+ss"),
        ('def f():\n    """Say "hi".\n\n    # no comment\n    """\n', "defn():s"),
        ("a = 1_000.5e-3 + 0x1F + .5j  # 2", "n=0+0+0"),
        ("a **= b // c -> d ... <<= @", "n**=n//n->n...<<=@"),
    ],
)
def test_strings_numbers_and_signs_are_one_token_each(source: str, tokens: str) -> None:
    assert "".join(anonymous_tokens(source)) == tokens


@given(source=st.text(st.sampled_from("'\"\\#\n ab1.=")))
def test_any_text_can_be_cut_into_tokens(source: str) -> None:
    assert list(shingles(source)) == sorted(shingles(source))
