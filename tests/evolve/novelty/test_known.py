from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.novelty.known import Duplicate, DuplicateKind, NoveltyIndex, ast_digest, source_digest
from tests.evolve.programs import PACKER

SEEDS = Path(__file__).parents[3] / "seeds"
SOURCES = st.lists(st.sampled_from([f"x{space}= {value}" for space in ("", " ") for value in range(4)]), max_size=12)


def an_index(*sources: str) -> NoveltyIndex:
    index = NoveltyIndex()
    for source in sources:
        index.add(source_digest(source), ast_digest(source))
    return index


def test_a_new_program_is_no_duplicate() -> None:
    assert an_index(PACKER).check(PACKER.replace("0.5", "0.6")) is None


def test_the_same_text_is_found_without_parsing() -> None:
    broken = "def"
    index = NoveltyIndex()
    index.add(source_digest(broken), "")
    assert index.check(broken) == Duplicate(DuplicateKind.SOURCE, source_digest(broken))


def test_the_same_tree_names_its_first_bearer() -> None:
    index = an_index("x = 1\n", "x = 1  # again\n")
    assert index.check("x  =  1") == Duplicate(DuplicateKind.SYNTAX, source_digest("x = 1\n"))


def test_an_unknown_text_that_does_not_parse_is_an_error() -> None:
    with pytest.raises(SyntaxError):
        NoveltyIndex().check("def")


def test_an_empty_digest_is_never_known() -> None:
    index = NoveltyIndex()
    index.add(source_digest("a"), "")
    assert index.check_digests(source_digest("b"), "") is None


@given(known=SOURCES, asked=SOURCES)
def test_the_index_agrees_with_comparing_everything(known: list[str], asked: list[str]) -> None:
    index = an_index(*known)
    assert len(index) == len(set(known))
    for source in asked:
        found = index.check(source)
        kind = None if found is None else found.kind
        same_tree = ast_digest(source) in map(ast_digest, known)
        assert kind == (DuplicateKind.SOURCE if source in known else DuplicateKind.SYNTAX if same_tree else None)
        assert index.knows(ast_digest(source)) == same_tree


@pytest.mark.parametrize("task", sorted(path.parent.name for path in SEEDS.glob("*/initial.py")))
def test_no_two_methods_of_a_task_are_taken_for_one(task: str) -> None:
    index = NoveltyIndex()
    sources = [path.read_text(encoding="utf-8") for path in (SEEDS / task).rglob("[a-z]*.py")]
    assert sources
    for source in sources:
        assert index.check(source) is None
        index.add(source_digest(source), ast_digest(source))
    for source in sources:
        assert index.check(source) == Duplicate(DuplicateKind.SOURCE, source_digest(source))
        with_comment = index.check(f"# the same\n{source}")
        assert with_comment == Duplicate(DuplicateKind.SYNTAX, source_digest(source))
