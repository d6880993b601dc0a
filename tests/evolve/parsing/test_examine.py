"""What is said of a text, worked out in this process: only texts that do no harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.contract import Task
from evaluators.registry import problem
from evolve.novelty.known import ast_digest
from evolve.parsing.examine import examine
from evolve.parsing.verdict import DefinedName, NameKind, Verdict, missing_entry_points

ROOT = Path(__file__).resolve().parents[3]
SEEDS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "seeds").rglob("*.py"))
TOY: Task = problem("toy").task


@pytest.mark.parametrize("path", SEEDS)
def test_every_seed_parses_and_has_the_digest_that_novelty_gives_it(path: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    verdict = examine(source)
    assert (verdict.error, verdict.ast_digest) == ("", ast_digest(source))


@pytest.mark.parametrize(
    "source",
    [
        "x = 1; y = 2\nz = 3; \n",
        "@(\n    property)\ndef f(): ...\n@a\n@b\nclass C: ...\n",
        "x = 1\r\ny = 2\r\ndef f():\r\n    return 1\r\n",
        "x = 1\n\x0c\ny = 2\n",
        "\ufeffx = 1\ny = 2\n",
        "# coding: utf-8\nx = 'ä'\n",
        "\\\nx = 1\nif x: y = 2\nelse:\n  y = 3\n",
        "x = '''\n# no comment\n'''; y = 1\n\nasync def f():\n    await g()\n",
        "",
        "# nothing\n",
    ],
)
def test_the_layout_of_statements_does_not_matter_to_the_digest(source: str) -> None:
    verdict = examine(source)
    assert (verdict.error, verdict.ast_digest) == ("", ast_digest(source.removeprefix("\ufeff")))


def test_names_are_told_in_the_order_of_the_text_with_what_they_are() -> None:
    source = (
        "import numpy as np\nfrom math import *\ntry:\n    import fast\nexcept ImportError:\n    fast = None\n"
        "class Policy(Base):\n    size = 3\n    def plan(self): ...\n    async def wait(self): ...\n"
        "def guess(x):\n    inner = x\n    return inner\nf, g = 1, lambda y: y\n"
    )
    verdict = examine(source)
    assert [(name.name, name.kind.value) for name in verdict.names] == [
        *(("np", "other"), ("*", "other"), ("fast", "other"), ("Policy", "class"), ("guess", "function")),
        *(("f", "other"), ("g", "other")),
    ]
    assert verdict.names[3].methods == ("plan", "wait")
    assert verdict.defines_more


@pytest.mark.parametrize(
    ("source", "error", "line"),
    [
        ("x = 1\ny = (\n", "syntax error in line 2, 'y = (': '(' was never closed", 2),
        ("x = 1\nreturn x\n", "syntax error in line 2, 'return x': 'return' outside function", 2),
        (
            "def f(a, a): pass\n",
            "syntax error in line 1, 'def f(a, a): pass': duplicate argument 'a' in function definition",
            1,
        ),
        ("x = 1\0", "syntax error: source code string cannot contain null bytes", 0),
        ("# coding: nonsense\nx = 1\n", "syntax error: unknown encoding: nonsense", 0),
        ("x = '\ud800'", "the program cannot be parsed: 'utf-8' codec can't encode character", 0),
        ("-" * 100_000 + "1", "the program is too large or too deeply nested", 0),
        ("x = " + "(" * 100_000, f"syntax error in line 1, 'x = {'(' * 96}': too many nested parentheses", 1),
        ("a" + ".b" * 100_000, "the program is too large or too deeply nested", 0),
        ("x = " + "9" * 100_000, f"syntax error in line 1, 'x = {'9' * 96}': Exceeds the limit", 1),
        ("x = '\\N{NO SUCH SIGN}'", "unknown Unicode character name", 1),
    ],
)
def test_what_does_not_parse_is_an_error_with_its_line(source: str, error: str, line: int) -> None:
    verdict = examine(source)
    assert error in verdict.error
    assert verdict == Verdict(error=verdict.error, line=line)


def test_a_number_too_long_to_write_out_has_no_digest() -> None:
    verdict = examine("x = 0x" + "f" * 10_000)
    assert (verdict.error, verdict.ast_digest) == ("", "")


def test_a_tree_deeper_than_our_own_recursion_has_a_digest() -> None:
    verdict = examine("x = " + " + ".join("ab"[n % 2] for n in range(600)))
    assert (verdict.error, len(verdict.ast_digest)) == ("", 64)


@settings(max_examples=150, deadline=None)
@given(
    source=st.one_of(
        st.text(max_size=60), st.lists(st.sampled_from("()[]{}:=\n \\'\"#axif0_.,@*\t\r\x0c")).map("".join)
    )
)
def test_no_text_raises(source: str) -> None:
    examine(source)


def test_missing_entry_points_are_named_with_what_is_there() -> None:
    assert missing_entry_points(TOY, examine("def guess(hints):\n    return 0.5\n")) == ""
    assert missing_entry_points(TOY, examine("guess = lambda hints: 0.5\n")) == ""
    assert missing_entry_points(TOY, examine("from best import *\n")) == ""
    assert missing_entry_points(TOY, examine("def guesses(hints):\n    guess = 1\nSIZE = 3\n")) == (
        f"the program does not define `guess` ({TOY.entry_points[0].signature}) at its top level; "
        "it defines guesses, SIZE"
    )
    assert missing_entry_points(TOY, Verdict()).endswith("it defines nothing")
    many = Verdict(names=tuple(DefinedName(name=f"n{i}", kind=NameKind.OTHER) for i in range(20)))
    assert missing_entry_points(TOY, many).endswith("n10, n11, ...")
