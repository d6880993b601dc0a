from __future__ import annotations

import ast

import pytest

from evolve.genetic.kinds import Kind, function_kinds, kind_of, module_kinds

MODULE = ast.parse("""
import numpy as np
A, B = 0, 1
NAME = "x"
FLAG = True

def g(x: np.ndarray) -> np.ndarray:
    return x

def top_two(x: np.ndarray) -> np.ndarray:
    return np.argsort(x)[:2]

def f(loads: np.ndarray, count: int, config: dict, flag: bool, what):
    rows, columns = loads.shape
    order = np.argsort(-loads)
    top = order[:count]
    share = loads / count
    busy = share > 1.0
    made = g(loads)
    chosen = top_two(loads)
    zeros = np.zeros(3, dtype=np.int64)
    half = count * 0.5
    names = [what]
    for index in range(count):
        pass
""")
FUNCTION = MODULE.body[-1]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("A", Kind.COUNT),
        ("NAME", Kind.TEXT),
        ("FLAG", Kind.BOOL),
        ("np", Kind.CALLABLE),
        ("g", Kind.CALLABLE),
        ("loads", Kind.ARRAY),
        ("count", Kind.COUNT),
        ("config", Kind.MAPPING),
        ("flag", Kind.BOOL),
        ("what", Kind.UNKNOWN),
        ("rows", Kind.COUNT),
        ("order", Kind.INDEX),
        ("top", Kind.INDEX),
        ("share", Kind.ARRAY),
        ("busy", Kind.MASK),
        ("made", Kind.ARRAY),
        ("chosen", Kind.INDEX),
        ("zeros", Kind.INDEX),
        ("half", Kind.NUMBER),
        ("names", Kind.SEQUENCE),
        ("index", Kind.COUNT),
    ],
)
def test_names_have_the_kind_of_what_they_are_given(name: str, kind: Kind) -> None:
    assert isinstance(FUNCTION, ast.FunctionDef)
    assert function_kinds(FUNCTION, module_kinds(MODULE))[name] is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1 < 2", Kind.BOOL),
        ("not x", Kind.BOOL),
        ("len(x) + 1", Kind.COUNT),
        ("len(x) / 2", Kind.NUMBER),
        ("max(1, len(x))", Kind.COUNT),
        ("np.argsort(x) / 2", Kind.ARRAY),
        ("np.concatenate([np.arange(3), y])", Kind.INDEX),
        ("np.empty(3, dtype=np.arange(3).dtype)", Kind.INDEX),
        ("np.argmax(x, axis=1)", Kind.INDEX),
        ("np.ones(3, dtype=bool)", Kind.MASK),
        ("np.argsort(x).astype(float)", Kind.ARRAY),
        ("1 if x else 2", Kind.COUNT),
        ("sorted(x)", Kind.SEQUENCE),
        ("x.size", Kind.COUNT),
        ("lambda: 0", Kind.CALLABLE),
        ("x.y", Kind.UNKNOWN),
    ],
)
def test_expressions_have_a_kind(text: str, kind: Kind) -> None:
    assert kind_of(ast.parse(text, mode="eval").body, {}) is kind
