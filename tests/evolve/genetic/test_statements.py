from __future__ import annotations

import re

from evolve.genetic.statements import (
    copy_statement,
    delete_statement,
    free_statement,
    guard_statement,
    repeat_statement,
    swap_statements,
)
from tests.evolve.genetic.outcomes import bodies_after

BODY = """def f(x: int, y: int):
    total = x  # start
    if x > 1:
        total += y
    for i in range(y):
        total += i
        total = total * 2
    return total
"""


def test_statements_are_deleted_where_their_names_stay_bound() -> None:
    assert bodies_after(delete_statement, BODY) == {
        BODY.replace("    if x > 1:\n        total += y\n", ""),
        BODY.replace("        total += i\n", ""),
        BODY.replace("        total = total * 2\n", ""),
        BODY[: BODY.index("    for")] + "    return total\n",
    }


def test_the_last_statement_of_a_body_stays() -> None:
    assert bodies_after(delete_statement, "def f(x):\n    if x:\n        x += 1\n    return x\n") == {
        "def f(x):\n    return x\n"
    }


def test_neighbours_that_depend_on_each_other_change_places() -> None:
    assert BODY.replace(
        "        total += i\n        total = total * 2\n", "        total = total * 2\n        total += i\n"
    ) in bodies_after(swap_statements, BODY)
    independent = "def f(x, y):\n    x += 1\n    y += 1\n    return x, y\n"
    assert bodies_after(swap_statements, independent) == set()


def test_what_builds_on_itself_is_repeated() -> None:
    after = bodies_after(repeat_statement, BODY)
    assert BODY.replace("        total += i\n", "        total += i\n" * 2) in after
    assert not any(other.count("total = x") > 1 for other in after)


def test_statements_are_guarded_with_their_whole_body() -> None:
    after = bodies_after(guard_statement, BODY, 400)
    assert any(re.search(r"        if i [<>]=? \S+:\n            total \+= i\n        total", other) for other in after)
    assert any(
        re.search(r"    if .*:\n        for i.*:\n            total.*\n            total", other) for other in after
    )
    assert not any(re.search(r"if .*:\n        total = x", other) for other in after)


def test_guarded_statements_are_freed() -> None:
    freed = BODY.replace("    if x > 1:\n        total += y\n", "    total += y\n")
    assert bodies_after(free_statement, BODY) == {freed}


def test_branches_that_leave_are_not_freed() -> None:
    assert bodies_after(free_statement, "def f(x):\n    if x:\n        return 1\n    return 2\n") == set()


def test_statements_are_copied_to_other_functions_with_names_that_fit() -> None:
    body = BODY + "\n\ndef g(z: int):\n    count = 0\n    count += z\n    return count\n"
    after = bodies_after(copy_statement, body, 400)
    assert body.replace("    count += z\n", "    count = count * 2\n    count += z\n") in after
    assert body.replace("    return count\n", "    return count\n") == body


def test_texts_of_several_lines_are_not_moved() -> None:
    body = 'def f(x):\n    y = 0\n    y += len("""a\n    b""")\n    return y\n'
    assert bodies_after(guard_statement, body) == set()
    assert bodies_after(copy_statement, body) <= {body.replace("    y +=", "    y = 0\n    y +=")}
