from __future__ import annotations

import ast

import pytest

from evolve.genetic.parts import split_program
from evolve.genetic.program import parse_program
from evolve.novelty.known import ast_digest
from tests.evolve.programs import PROGRAMS, REAL

AWKWARD = '''"""Text
with a line
def like_code(): pass
"""
@decorated
def f(a=(1,
2)):
    return a
if f:
    x = 1
else:
    x = 2
try:
    y = (
1
)
except ValueError:
    pass
finally:
    z = 1; w = 2
# comment
text = """
x = 1
"""
'''


@pytest.mark.parametrize("source", [*PROGRAMS, AWKWARD, REAL.read_text(), "", "\n", "# only\n", "x = 1"])
def test_parts_have_the_statements_and_places_of_the_whole(source: str) -> None:
    statements = [statement for part in split_program(source) for statement in part.tree.body]
    assert "".join(part.text for part in split_program(source)) == source
    whole = ast.parse(source)
    assert [ast.dump(one, include_attributes=True) for one in statements] == [
        ast.dump(one, include_attributes=True) for one in whole.body
    ]


@pytest.mark.parametrize("source", [*PROGRAMS, AWKWARD])
def test_the_digest_by_parts_is_that_of_the_whole(source: str) -> None:
    assert parse_program(source).digest == ast_digest(source)


def test_functions_are_parts_of_their_own() -> None:
    assert len(split_program(PROGRAMS[0])) > 8


@pytest.mark.parametrize("source", ["x = (", "def f(:\n    pass\ny = 1\n", "x = '''\n" * 41])
def test_what_does_not_parse_is_an_error(source: str) -> None:
    with pytest.raises(SyntaxError):
        split_program(source)


@pytest.mark.parametrize("source", PROGRAMS)
def test_sites_lie_inside_the_blocks_and_their_text_is_theirs(source: str) -> None:
    program = parse_program(source)
    first = source.index("EVOLVE-BLOCK-START")
    last = source.index("EVOLVE-BLOCK-END")
    for site in program.sites:
        start, end = program.span(site.node)
        assert first < start < end < last
        if isinstance(site.node, ast.expr) and not isinstance(site.node, ast.Slice):
            assert ast.unparse(ast.parse(f"({program.text(site.node)}\n)")) == ast.unparse(site.node)
