from __future__ import annotations

from evolve.genetic.conditions import change_condition, swap_comparison
from tests.evolve.genetic.outcomes import bodies_after

BODY = "def f(n: int, m: int):\n    if n > 1 and m:\n        n = 2\n    while n < m:\n        n += 1\n    return n\n"


def test_comparisons_become_stricter_looser_or_reversed() -> None:
    assert bodies_after(swap_comparison, BODY) == {
        BODY.replace("n > 1", "n >= 1"),
        BODY.replace("n > 1", "n < 1"),
        BODY.replace("n < m", "n <= m"),
        BODY.replace("n < m", "n > m"),
    }


def test_conditions_are_negated_joined_and_cut() -> None:
    after = bodies_after(change_condition, BODY, 400)
    for text in ("not (n > 1 and m)", "n > 1", "m", "(n > 1) or (m)", "(n > 1 and m) or (n > 0.5)"):
        assert BODY.replace("n > 1 and m", text) in after


def test_loops_keep_their_conditions() -> None:
    assert all("while n < m" in other for other in bodies_after(change_condition, BODY, 400))


def test_negations_are_taken_back() -> None:
    body = "def f(x):\n    return 1 if not x else 2\n"
    assert body.replace("not x", "x") in bodies_after(change_condition, body)


def test_masks_are_never_joined() -> None:
    body = "def f(x: np.ndarray, n: int):\n    if x > 1:\n        return n\n    return 0\n"
    assert bodies_after(change_condition, body) == {body.replace("x > 1", "not (x > 1)")}
