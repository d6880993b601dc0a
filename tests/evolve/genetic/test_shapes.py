from __future__ import annotations

import ast

from evolve.genetic.program import parse_program
from evolve.genetic.shapes import are_shaped_alike


def test_arrays_that_meet_have_one_shape() -> None:
    program = parse_program(
        "import numpy as np\n"
        "def f(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, n: int):\n"
        "    e, g = a.copy(), np.zeros(n)\n"
        "    h = -a * n\n"
        "    k = np.maximum(b, h)\n"
        "    m = np.argsort(c, axis=1)\n"
        "    return k[m] + e.sum()\n"
    )
    function = program.tree.body[1]
    assert isinstance(function, ast.FunctionDef)
    shapes = program.shapes(function)
    assert all(are_shaped_alike("a", other, shapes) for other in "behk")
    assert are_shaped_alike("c", "m", shapes)
    assert not any(are_shaped_alike("a", other, shapes) for other in "cdgm")
    assert not are_shaped_alike("a", None, shapes)
