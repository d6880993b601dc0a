from __future__ import annotations

from evolve.genetic.calls import exchange_call
from evolve.genetic.expressions import (
    blend_values,
    exchange_name,
    flip_flag,
    swap_operator,
    toggle_sign,
    unwrap_value,
    wrap_value,
)
from evolve.genetic.transplant import copy_expression
from tests.evolve.genetic.outcomes import bodies_after

ARRAYS = "def f(a: np.ndarray, b: np.ndarray, n: int):\n"


def test_flags_flip() -> None:
    assert bodies_after(flip_flag, "A = True\n") == {"A = False\n"}


def test_names_become_others_of_their_kind_that_are_bound() -> None:
    body = ARRAYS + "    c = a + b\n    d = n * 2\n    return c[:n]\n"
    after = bodies_after(exchange_name, body, 300)
    assert ARRAYS + "    c = a + a\n    d = n * 2\n    return c[:n]\n" in after
    assert ARRAYS + "    c = a + b\n    d = n * 2\n    return c[:d]\n" in after
    assert not any("a + c" in other or "a + n" in other or "d * 2" in other for other in after)


def test_enumerations_are_run_through() -> None:
    body = "RED, GREEN, BLUE = 0, 1, 2\nMODE = RED\n"
    assert bodies_after(exchange_name, body) == {body.replace("= RED", "= GREEN"), body.replace("= RED", "= BLUE")}


def test_operators_are_swapped_and_the_layout_stays() -> None:
    body = "def f(x):\n    return (x\n        + 1) * x  # why\n"
    assert bodies_after(swap_operator, body) == {
        body.replace("+ 1", "- 1"),
        body.replace("+ 1", "* 1"),
        body.replace(") * x", ") / x"),
        body.replace(") * x", ") + x"),
    }


def test_augmented_assignments_are_swapped() -> None:
    assert bodies_after(swap_operator, "A = 1\nA += 2\n") == {"A = 1\nA -= 2\n", "A = 1\nA *= 2\n"}


def test_signs_come_and_go() -> None:
    body = ARRAYS + "    return np.argsort(-a)\n"
    after = bodies_after(toggle_sign, body)
    assert ARRAYS + "    return np.argsort(a)\n" in after
    positive = bodies_after(toggle_sign, ARRAYS + "    return np.sort(a)\n")
    assert ARRAYS + "    return np.sort(-a)\n" in positive


def test_calls_become_others_with_the_same_arguments() -> None:
    body = ARRAYS + "    return np.minimum(a, b).max(axis=0) + a.argmin()\n"
    after = bodies_after(exchange_call, body, 300)
    assert body.replace("argmin", "argmax") in after
    assert body.replace("np.minimum", "np.maximum") in after
    assert body.replace(".max(axis", ".mean(axis") in after
    assert not any(".median(" in other for other in after)  # arrays have no such method


def test_functions_of_the_module_are_exchanged_by_arity_and_result() -> None:
    body = "def f(x) -> int:\n    return x\ndef g(x) -> int:\n    return 1\ndef h(x, y) -> int:\n    return f(x)\n"
    assert bodies_after(exchange_call, body) == {body.replace("return f(x)", "return g(x)")}


def test_values_are_wrapped_with_a_constant() -> None:
    after = bodies_after(wrap_value, ARRAYS + "    return a\n", 300)
    assert ARRAYS + "    return 0.5 * a\n" in after
    assert ARRAYS + "    return np.maximum(a, 0.5)\n" in after
    numbers = bodies_after(wrap_value, "def f(n: float, m: float):\n    return n > m\n", 300)
    assert "def f(n: float, m: float):\n    return (0.5 * n) > m\n" in numbers
    counts = bodies_after(wrap_value, "def f(n: int):\n    return n\n", 300)
    assert "def f(n: int):\n    return n // 2\n" in counts
    assert not any("." in body for body in counts)


def test_sizes_and_subscripts_are_not_wrapped() -> None:
    assert bodies_after(wrap_value, ARRAYS + "    for i in range(n):\n        a[n] = 1\n") == set()


def test_values_are_blended_with_others_of_their_shape() -> None:
    body = "def f(a: np.ndarray, b: np.ndarray, c: np.ndarray):\n    d = a * b\n    return d\n"
    after = bodies_after(blend_values, body, 300)
    assert body.replace("return d", "return np.maximum(d, a)") in after
    assert not any("c)" in other.split("return")[1] for other in after)


def test_operations_are_taken_away() -> None:
    body = ARRAYS + "    return np.sqrt(a) + b * 2\n"
    assert bodies_after(unwrap_value, body, 300) == {
        body.replace("np.sqrt(a)", "a"),
        body.replace(" + b * 2", ""),
        body.replace("np.sqrt(a) + ", ""),
        body.replace("b * 2", "b"),
    }


def test_expressions_are_copied_within_their_kind() -> None:
    body = "def f(n: int, m: int):\n    if n > 1:\n        n = n + m\n    if m < 9 and n:\n        return 2 * n\n"
    after = bodies_after(copy_expression, body, 300)
    assert body.replace("if n > 1", "if m < 9 and n") in after
    assert body.replace("2 * n", "n + m") in after
    assert not any("if n + m" in other or "if 2 * n" in other for other in after)
