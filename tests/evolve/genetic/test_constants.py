from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.genetic.constants import constant_weight, number_sites, perturb_constant, perturbed
from evolve.genetic.program import parse_program
from tests.evolve.genetic.outcomes import bodies_after
from tests.evolve.programs import PACKER, in_block

SEEDS = st.integers(0, 2**32 - 1)


@given(value=st.integers(-(10**9), 10**9), seed=SEEDS)
def test_ints_stay_ints_and_change(value: int, seed: int) -> None:
    new = perturbed(value, np.random.default_rng(seed))
    assert isinstance(new, int)
    assert new != value


@given(value=st.floats(-1e12, 1e12), seed=SEEDS)
def test_floats_stay_finite_floats_and_change(value: float, seed: int) -> None:
    new = perturbed(value, np.random.default_rng(seed))
    assert isinstance(new, float)
    assert math.isfinite(new)
    assert new != value


@pytest.mark.parametrize("value", [0, 1, 7, 0.0, 0.99, 1e-9, -2.5])
def test_steps_are_small_and_big(value: float) -> None:
    moves = [perturbed(value, np.random.default_rng(seed)) for seed in range(500)]
    sizes = sorted(abs(move - value) for move in moves)
    assert sizes[-1] >= 5 * sizes[100]
    assert len(set(moves)) > 3


def test_shares_near_one_move_toward_one_too() -> None:
    moves = [perturbed(0.99, np.random.default_rng(seed)) for seed in range(500)]
    assert sum(0.99 < move < 1.0 for move in moves) > 20


def test_a_sign_belongs_to_its_number() -> None:
    program = parse_program(in_block("A = -3\nB = 2.5\nC = True\nD = 'text'\n"))
    assert [value for _, value in number_sites(program)] == [-3, 2.5]


def test_named_constants_come_first_and_axes_last() -> None:
    program = parse_program(in_block("A = 3\ndef f(x, y=4):\n    z = x.sum(axis=1) * 2.0 + 5\n    return x[0] + z\n"))
    weights = {value: constant_weight(site) for site, value in number_sites(program)}
    by_weight = sorted(weights, key=lambda value: -weights[value])
    assert by_weight == [3, 4, 2.0, 5, 1, 0]


def test_negative_operands_get_parentheses() -> None:
    bodies = bodies_after(perturb_constant, "def f(x):\n    return x ** 2.0 - 1.0\n", 400)
    assert any("x ** (-2.0)" in body for body in bodies)
    assert any("- (-1.0)" in body for body in bodies)


def test_the_change_says_which_constant_went_where() -> None:
    program = parse_program(PACKER)
    changes = [perturb_constant(program, np.random.default_rng(seed)) for seed in range(50)]
    summaries = {change.summary.split(" ->")[0] for change in changes if change is not None}
    assert {"DECAY 0.5", "STEPS 3", "OFFSET -1.5"} <= summaries


def test_nothing_but_the_number_changes() -> None:
    program = parse_program(PACKER)
    change = perturb_constant(program, np.random.default_rng(3))
    assert change is not None
    (edit,) = change.edits
    child = program.apply(change.edits)
    assert child.replace(edit.text, "", 1) != child
    assert (child[: edit.start], child[edit.start + len(edit.text) :]) == (PACKER[: edit.start], PACKER[edit.end :])


def test_a_program_without_numbers_has_none_to_move() -> None:
    assert bodies_after(perturb_constant, "x = 'a'\n") == set()
