from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.blocks import outside_blocks
from evolve.genetic import GeneticChild, NoChild, propose
from evolve.genetic.operators import CROSSOVERS, MUTATIONS, NUMBERS, mutations
from evolve.genetic.program import parse_program
from evolve.genetic.propose import MAX_BYTES
from evolve.novelty.known import ast_digest
from evolve.search.request import Operator
from tests.evolve.programs import BASELINE, DONOR, NESTED, PACKER, REAL, a_request, in_block

PARENTS = (PACKER, DONOR, NESTED, REAL.read_text())
SEEDS = st.integers(0, 2**32 - 1)


def child_of(parent: str, seed: int, donors: Sequence[str] = ()) -> GeneticChild | NoChild:
    operator = Operator.CROSSOVER if donors else Operator.MUTATE
    return propose(a_request(operator), parent, donors, np.random.default_rng(seed), never)


def never(digest: str) -> bool:
    return False


@settings(deadline=None, max_examples=120)
@given(parent=st.sampled_from(PARENTS), donor=st.sampled_from([None, *PARENTS, BASELINE]), seed=SEEDS)
def test_children_are_sound_programs(parent: str, donor: str | None, seed: int) -> None:
    child = child_of(parent, seed, [] if donor is None else [donor])
    assert isinstance(child, GeneticChild)
    compile(child.source, "child", "exec")
    assert outside_blocks(child.source) == outside_blocks(parent)
    assert parse_program(child.source).scopes.undefined == set()
    assert parse_program(child.source).scopes.module_names >= parse_program(parent).scopes.module_names
    assert child.ast_digest == ast_digest(child.source) != ast_digest(parent)
    assert set(child.operator.split("+")) <= {*MUTATIONS, *CROSSOVERS}
    assert child.change
    assert "\n" not in child.change


@settings(deadline=None, max_examples=20)
@given(parent=st.sampled_from(PARENTS), seed=SEEDS)
def test_generations_stay_sound_and_bounded(parent: str, seed: int) -> None:
    source = parent
    for generation in range(8):
        child = child_of(source, seed + generation, [parent] if generation % 2 else [])
        if isinstance(child, GeneticChild):
            source = child.source
    ast.parse(source)
    assert parse_program(source).scopes.undefined == set()
    assert len(source) <= MAX_BYTES
    assert max(map(len, source.splitlines())) <= 200


@settings(deadline=None, max_examples=30)
@given(parent=st.sampled_from(PARENTS), seed=SEEDS)
def test_the_same_arguments_give_the_same_child(parent: str, seed: int) -> None:
    assert child_of(parent, seed, [DONOR]) == child_of(parent, seed, [DONOR])


SCRIPT = """
import numpy as np
from evolve.genetic import propose
from evolve.search.request import Operator
from tests.evolve.programs import PACKER, DONOR, NESTED, REAL, a_request
real = REAL.read_text()
for seed in range(25):
    for parent, donors in ((PACKER, [DONOR]), (NESTED, []), (real, []), (real, [PACKER])):
        operator = Operator.CROSSOVER if donors else Operator.MUTATE
        print(propose(a_request(operator), parent, donors, np.random.default_rng(seed), lambda digest: False))
"""


def test_hash_seeds_do_not_matter() -> None:
    outputs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].count(b"GeneticChild(") >= 95


def test_known_programs_are_not_proposed_again() -> None:
    parent = in_block("A = True\n")
    first = child_of(parent, 0)
    assert isinstance(first, GeneticChild)
    again = propose(a_request(), parent, [], np.random.default_rng(0), {first.ast_digest}.__contains__)
    assert again == NoChild("12 tries gave nothing that is new and sound")


@pytest.mark.parametrize(
    ("parent", "donors", "reason"),
    [
        ("x = (\n", [], "a source cannot be read: "),
        (PACKER, ["x = ("], "a source cannot be read: "),
        (PACKER.replace("\n", "\r"), [], "carriage return without a newline"),
        (in_block("A = '\ud800'\n"), [], "surrogates not allowed"),
        (in_block("A = " + "+".join("1" * 2000) + "\n"), [], "nested too deeply"),
        ("# EVOLVE-BLOCK-START\n", [], "has no '# EVOLVE-BLOCK-END' line"),
        ("x = 1\n", [], "nothing inside EVOLVE-BLOCK markers"),
        (in_block("'text'\n"), [], "nothing inside EVOLVE-BLOCK markers"),
    ],
)
def test_what_cannot_be_evolved_is_said(parent: str, donors: list[str], reason: str) -> None:
    child = child_of(parent, 0, donors)
    assert isinstance(child, NoChild)
    assert reason in child.reason


def test_constants_are_what_changes_most() -> None:
    children = [child_of(PACKER, seed) for seed in range(500)]
    first = [child.operator.split("+")[0] for child in children if isinstance(child, GeneticChild)]
    assert 0.4 < first.count("perturb_constant") / len(first) < 0.55
    assert len(set(first)) > 12


def test_inspirations_are_used_only_if_a_crossover_is_asked_for() -> None:
    child = propose(a_request(), PACKER, [DONOR], np.random.default_rng(0), never)
    assert isinstance(child, GeneticChild)
    assert child == child_of(PACKER, 0)
    crossed = child_of(PACKER, 0, [DONOR])
    assert isinstance(crossed, GeneticChild)
    assert crossed.operator.split("+")[0] in CROSSOVERS


def test_a_source_that_is_too_long_may_only_shrink() -> None:
    parent = in_block("A = 1.5\n" + "# a long comment\n" * 3000)
    for seed in range(20):
        child = child_of(parent, seed)
        assert not isinstance(child, GeneticChild) or len(child.source) <= len(parent)


def test_carriage_returns_and_wide_characters_survive() -> None:
    parent = in_block("A = 1.5  # größer\r\nΔ = A * 2.0\r\n")
    children = [child_of(parent, seed) for seed in range(20)]
    sources = [child.source for child in children if isinstance(child, GeneticChild)]
    assert len(sources) == 20
    assert all("# größer\r\nΔ = " in source for source in sources)


@pytest.mark.parametrize("share", [0.0, 0.46, 0.75, 1.0])
def test_numbers_are_moved_in_the_share_of_steps_that_was_asked_for(share: float) -> None:
    table = mutations(share)
    assert set(table) == set(MUTATIONS)
    weights = {name: weight for name, (_, weight) in table.items()}
    assert weights[NUMBERS] / sum(weights.values()) == pytest.approx(share)
    child = propose(a_request(), PACKER, [], np.random.default_rng(3), never, mutations(1.0))
    assert isinstance(child, GeneticChild)
    assert set(child.operator.split("+")) == {NUMBERS}
