from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from evolve.novelty.known import ast_digest
from evolve.novelty.normal_form import normal_form
from tests.evolve.programs import PROGRAMS


def are_equal(one: str, other: str) -> bool:
    return ast_digest(dedent(one)) == ast_digest(dedent(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1  # one\n", "\nx   =  1"),
        ("def f(a):\n    'Doc.'\n    return a", "def f(a):\n    return a"),
        ("def f(a: int) -> int:\n    b: int = a\n    return b", "def f(a):\n    b = a\n    return b"),
        ("def f(a):\n    total = a + 1\n    return total", "def f(a):\n    result = a + 1\n    return result"),
        ("def f(a):\n    return [x for x in a]", "def f(a):\n    return [y for y in a]"),
        ("def f(a):\n    return a\n    a = 2", "def f(a):\n    return a"),
        ("def f(a):\n    pass\n    unused = 3\n    return a", "def f(a):\n    return a"),
        ("def f(a):\n    while a:\n        break\n        a += 1", "def f(a):\n    while a:\n        break"),
        ('x = "a"', "x = 'a'"),
        ("x: int\ny = 1", "y = 1"),
        (
            "def f():\n    b = 1\n    def g():\n        return b\n    return g",
            "def f():\n    c = 1\n    def g():\n        return c\n    return g",
        ),
    ],
)
def test_what_cannot_change_behaviour_is_left_out(one: str, other: str) -> None:
    assert are_equal(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 2"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("def f(a):\n    return a", "def f(b):\n    return b"),  # parameters may be given by name
        ("x = 1", "y = 1"),  # module names may be read from outside
        ("def f(a):\n    b = g()\n    return a", "def f(a):\n    return a"),
        (
            "def f():\n    b = 1\n    c = 2\n    return b - c",
            "def f():\n    c = 1\n    b = 2\n    return b - c",
        ),
        ("def f(b, c):\n    x = b\n    y = c\n    return x", "def f(b, c):\n    x = b\n    y = c\n    return y"),
        ("def f():\n    b = 1\n    return locals()", "def f():\n    c = 1\n    return locals()"),
        ("def f():\n    global b\n    b = 1", "def f():\n    global c\n    c = 1"),
        ("def f():\n    import math\n    return math", "def f():\n    import cmath\n    return cmath"),
        ("def f(a):\n    return sum(x for x in a) + x", "def f(a):\n    return sum(y for y in a) + y"),
        ("def f(x, y):\n    return [x for x in x]", "def f(x, y):\n    return [y for y in y]"),
        ("def f(a=p):\n    p = 1\n    return p", "def f(a=q):\n    q = 1\n    return q"),
        ("def f(a):\n    a.x = 1", "def f(a):\n    a.y = 1"),
        ("def f(a):\n    return f'{a:.2f}'", "def f(a):\n    return f'{a:.3f}'"),
        (
            "@dataclass\nclass A:\n    mean: float\n    last: float",  # the order of a constructor's arguments
            "@dataclass\nclass A:\n    last: float\n    mean: float",
        ),
        ("@dataclass\nclass A:\n    x: int = 3", "@dataclass\nclass A:\n    x = 3"),
        ("class A(NamedTuple):\n    x: int\n    y: int", "class A(NamedTuple):\n    y: int\n    x: int"),
        (
            "def f(x, y):\n    buffer = x\n    buffer += 1.0\n    return x, y",
            "def f(x, y):\n    buffer = y\n    buffer += 1.0\n    return x, y",
        ),
        ("def f(a):\n    unused = missing\n    return a", "def f(a):\n    return a"),  # only one of them fails
        ("def f(a: Missing):\n    return a", "def f(a):\n    return a"),
        ("x: Missing = 1", "x = 1"),
        ("def f(a):\n    return a\n    yield", "def f(a):\n    return a"),
        ("def f():\n    return np\n    import numpy as np", "def f():\n    return np"),
        ("@d\ndef f():\n    d = 1\n    return d", "@e\ndef f():\n    e = 1\n    return e"),
        ("def f(*, a):\n    return a", "def f(*, a=None):\n    return a"),
        ("x = {**y}", "x = {None: y}"),
        ("x = 1e999", "x = inf"),
        (
            "def f():\n    b = 1\n    def g():\n        global b\n        return b\n    return g",
            "def f():\n    c = 1\n    def g():\n        global b\n        return c\n    return g",
        ),
        (
            "def f(x):\n    class A:\n        y = 1\n    y = 2\n    return A, y",
            "def f(x):\n    class A:\n        z = 1\n    z = 2\n    return A, z",
        ),
    ],
)
def test_what_may_change_behaviour_is_kept(one: str, other: str) -> None:
    assert not are_equal(one, other)


@pytest.mark.parametrize("source", PROGRAMS)
def test_layout_does_not_matter(source: str) -> None:
    assert ast_digest(source) == ast_digest(ast.unparse(ast.parse(source)))


@pytest.mark.parametrize("source", PROGRAMS)
def test_the_form_of_a_program_is_that_of_its_statements_joined(source: str) -> None:
    tree = ast.parse(source)
    parts = [normal_form(ast.Module(body=[statement], type_ignores=[])) for statement in tree.body]
    assert normal_form(tree) == "".join(parts)
