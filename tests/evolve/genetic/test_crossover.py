from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evolve.genetic.crossover import (
    blend_constants,
    blended,
    take_definitions,
    take_expression,
    take_function,
    take_statement,
)
from evolve.genetic.program import known_donor, parse_program
from tests.evolve.genetic.outcomes import bodies_after_crossing
from tests.evolve.programs import BASELINE, DONOR, PACKER

OURS = "A = 2\nB = 0.5\nC = 1\n\n\ndef f(x: int, y: int):\n    x += A\n    return x - y\n"
THEIRS = (
    "A = 32\nB = 0.5\nC = 9\nD = 3\n\n\ndef h(x):\n    return x * D\n\n\ndef f(u: int, v: int):\n    return h(u) + v\n"
)
NUMBERS = st.one_of(st.integers(-1000, 1000), st.floats(-1e6, 1e6))


@given(ours=NUMBERS, theirs=NUMBERS, seed=st.integers(0, 999))
def test_blends_keep_their_type_and_differ_from_ours(ours: float, theirs: float, seed: int) -> None:
    new = blended(ours, theirs, np.random.default_rng(seed))
    assert isinstance(new, type(ours))
    assert new != ours or theirs == ours


def test_positive_numbers_are_blended_on_a_log_scale() -> None:
    assert 8 in {blended(2, 32, np.random.default_rng(seed)) for seed in range(50)}


def test_constants_that_differ_move_towards_the_donors() -> None:
    after = bodies_after_crossing(blend_constants, OURS, THEIRS, 400)
    assert OURS.replace("A = 2", "A = 32").replace("C = 1", "C = 9") in after
    assert all("B = 0.5" in body and "D" not in body for body in after)


def test_functions_come_with_the_helpers_they_need() -> None:
    expected = (
        OURS[: OURS.index("def f")] + "D = 3\ndef h(x):\n    return x * D\n\n\n" + THEIRS[THEIRS.index("def f") :]
    )
    assert bodies_after_crossing(take_function, OURS, THEIRS) == {expected}


def test_definitions_are_mixed() -> None:
    after = bodies_after_crossing(take_definitions, OURS, THEIRS)
    assert OURS.replace("A = 2", "A = 32") in after
    assert any("A = 2\n" in body and "C = 9" in body and "return h(u) + v" in body for body in after)


def test_functions_with_other_parameters_are_not_taken() -> None:
    assert bodies_after_crossing(take_function, OURS, "def f(x):\n    return x\n") == set()


def test_statements_of_the_donor_are_inserted_with_names_that_fit() -> None:
    after = bodies_after_crossing(take_statement, OURS, "def g(p: int):\n    q = 1\n    q *= p\n    return q\n")
    assert OURS.replace("    x += A\n", "    y *= x\n    x += A\n") in after


def test_expressions_of_the_donor_replace_some_of_their_kind() -> None:
    after = bodies_after_crossing(take_expression, OURS, "def f(x: int, y: int):\n    return (x + y) ** 2\n")
    assert OURS.replace("x - y", "(x + y) ** 2") in after


def test_baselines_without_markers_can_be_donors() -> None:
    program, donor = parse_program(PACKER), known_donor(BASELINE)
    change = take_function(program, donor, np.random.default_rng(0))
    assert change is not None
    child = parse_program(program.apply(change.edits))
    assert child.scopes.undefined == set()
    assert "clipped" in child.scopes.module_names
    assert "took smooth from a donor" in change.summary


def test_equal_programs_have_nothing_to_exchange() -> None:
    program = parse_program(DONOR)
    rng = np.random.default_rng(0)
    assert [cross(program, program, rng) for cross in (blend_constants, take_definitions, take_function)] == [None] * 3
