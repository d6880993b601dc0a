from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from evolve.genetic.program import parse_program
from tests.evolve.programs import PROGRAMS, REAL


def undefined(source: str) -> set[tuple[str, str]]:
    return set(parse_program(dedent(source)).scopes.undefined)


@pytest.mark.parametrize("source", [*PROGRAMS, REAL.read_text()])
def test_sound_programs_lack_nothing(source: str) -> None:
    assert undefined(source) == set()


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    return g()\ndef g():\n    return 1",
        "def f(a):\n    if a:\n        b = 1\n    else:\n        b = 2\n    return b",
        "def f(a):\n    if a:\n        b = 1\n    else:\n        raise ValueError\n    return b",
        "def f(a):\n    for b in a:\n        print(b)",
        "def f(a):\n    return [b for c in a for b in c if b]",
        "def f(a):\n    def g():\n        return b\n    b = a\n    return g",
        "def f(a):\n    while (b := a.pop()):\n        print(b)",
        "def f(a):\n    with a as (b, c):\n        return b, c",
        "def f(a):\n    try:\n        b = a()\n    except ValueError as e:\n        raise OSError from e\n    return b",
        "def f(a):\n    match a:\n        case [b, *c] if b:\n            return c",
        "def f(a):\n    match a:\n        case {1: d, **e}:\n            return d, e",
        "def f():\n    global a\n    a = 1\n    return len",
        "class A:\n    b = 1\n    c = b\n    def d(self):\n        return self.c, A",
        "import os.path\nfrom sys import argv as a\nprint(os, a, __name__)",
        "f = lambda a, *b, c=1, **d: (a, b, c, d)",
        "async def f(a):\n    async for b in a:\n        await b",
    ],
)
def test_names_that_are_bound_are_not_reported(source: str) -> None:
    assert undefined(source) - {("f", "a")} == set()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n    return gone", {("f", "gone")}),
        ("def f(a):\n    if a:\n        b = 1\n    return b", {("f", "b")}),
        ("def f(a):\n    for _ in a:\n        b = 1\n    return b", {("f", "b")}),
        ("def f(a):\n    b += a", {("f", "b")}),
        ("def f(a):\n    c = b\n    b = a\n    return c", {("f", "b")}),
        ("def f(a):\n    return [b for c in a] + [c]", {("f", "b"), ("f", "c")}),
        ("def f(a):\n    del a\n    return a", {("f", "a")}),
        ("def f(a):\n    try:\n        b = a()\n    except ValueError:\n        pass\n    return b", {("f", "b")}),
        ("x = y\ny = 1", {("module", "y")}),
        ("def f(a=b):\n    return a\nb = 1", {("module", "b")}),
        ("f = lambda a: b", {("lambda", "b")}),
        ("def f(x):\n    x[gone] = 1\n    x.y.z = lost", {("f", "gone"), ("f", "lost")}),
    ],
)
def test_names_without_a_meaning_are_reported(source: str, expected: set[tuple[str, str]]) -> None:
    assert undefined(source) == expected


def test_what_is_bound_before_a_statement_is_known() -> None:
    program = parse_program("def f(a):\n    b = a\n    if b:\n        c = 1\n    return a\n")
    (function,) = program.tree.body
    assert isinstance(function, ast.FunctionDef)
    assert [sorted(program.bound_before(statement)) for statement in function.body] == [["a"], ["a", "b"], ["a", "b"]]
