"""Replies that hold a whole program."""

from __future__ import annotations

import pytest

from evolve.blocks import END, START
from evolve.patch import PatchError, ReplyForm, apply_reply

PARENT = f'''"""A policy."""
import math

SIZE = 3

{START}
def plan(loads):
    return sorted(loads)


{END}


class Policy:
    def __init__(self, config):
        self.config = config
'''
BODY = "def plan(loads):\n    return list(loads)\n"
CHILD = PARENT[: PARENT.index("def plan")] + BODY + PARENT[PARENT.index(END) :]


def fenced(text: str, info: str = "python") -> str:
    return f"```{info}\n{text}```\n"


def child(reply: str, parent: str = PARENT) -> str:
    return apply_reply(parent, reply, ReplyForm.FULL).source


def test_the_bodies_between_the_markers_are_taken() -> None:
    patched = apply_reply(PARENT, "CHANGE: keep the order\n" + fenced(CHILD), ReplyForm.FULL)
    assert (patched.source, patched.change, patched.edits) == (CHILD, "keep the order", 1)


@pytest.mark.parametrize("info", ["", "py", "python parent", "Python title=x"])
def test_info_strings_of_python_are_accepted(info: str) -> None:
    assert child(fenced(CHILD, info)) == CHILD


def test_the_last_program_with_markers_counts() -> None:
    other = fenced(CHILD.replace("list(loads)", "loads"))
    usage = fenced("Policy({}).plan([1])\n") + fenced("$ evolve run\n", "sh")
    assert child(other + fenced(CHILD) + usage) == CHILD


def test_longer_fences_hold_shorter_ones() -> None:
    body = 'def plan(loads):\n    """\n    ```python\n    plan([])\n    ```\n    """\n'
    program = CHILD.replace(BODY, body)
    assert child("````python\n" + program + "````") == program


def test_lines_outside_may_be_left_out_or_stand_for_themselves_as_comments() -> None:
    assert child(fenced(f"import math\n# ... unchanged ...\n{START}\n{BODY}{END}\n...\n")) == CHILD
    assert child(fenced(f"{START}\n{BODY}{END}\n")) == CHILD


@pytest.mark.parametrize(
    "changed",
    [("import math", "import math, scipy"), ("SIZE = 3", "SIZE = 4"), ("        self.config", "        self.x")],
)
def test_lines_outside_must_not_change(changed: tuple[str, str]) -> None:
    with pytest.raises(PatchError, match="stands outside the EVOLVE-BLOCKs and is not in the program"):
        child(fenced(CHILD.replace(*changed)))


def test_a_whole_program_without_markers_is_recognised() -> None:
    bare = "".join(line for line in CHILD.splitlines(keepends=True) if "EVOLVE-BLOCK" not in line)
    assert child(fenced(bare)) == CHILD
    assert apply_reply(PARENT, fenced(bare), ReplyForm.DIFF).source == CHILD


def test_a_text_without_markers_is_the_body() -> None:
    assert child(fenced("import heapq\nimport math\n\n" + BODY)) == CHILD.replace(
        BODY, "import heapq\nimport math\n\n" + BODY
    )


def test_a_program_without_markers_that_repeats_a_definition_is_refused() -> None:
    with pytest.raises(PatchError, match=r"repeats 'class Policy:' from outside the EVOLVE-BLOCK and lacks the marker"):
        child(fenced(BODY + "\n\nclass Policy:\n    pass\n"))


def test_several_blocks_keep_their_order() -> None:
    parent = f"{START}\nx = 1\n{END}\ny = 2\n{START}\nz = 3\n{END}\n"
    changed = parent.replace("1", "7").replace("3", "9")
    assert child(fenced(changed), parent) == changed
    with pytest.raises(PatchError, match="has 2 EVOLVE-BLOCKs, but the reply has 1"):
        child(fenced(f"{START}\nx = 7\n{END}\n"), parent)
    with pytest.raises(PatchError, match="has 2 EVOLVE-BLOCKs: keep all its marker lines"):
        child(fenced("x = 7\ny = 2\nz = 9\n"), parent)


def test_a_program_that_had_no_markers_is_replaced_whole() -> None:
    assert child(fenced("y = 2\n"), "x = 1\n") == "y = 2\n"
    with pytest.raises(PatchError, match="has no EVOLVE-BLOCK markers"):
        child(fenced(CHILD), "x = 1\n")


def test_edits_are_accepted_where_a_program_was_asked_for() -> None:
    reply = "<<<<<<< SEARCH\n    return sorted(loads)\n=======\n    return list(loads)\n>>>>>>> REPLACE\n"
    assert child(fenced(reply)).replace("\n\n\n" + END, "\n" + END) == CHILD


def test_a_program_without_a_fence_is_accepted_if_it_has_markers() -> None:
    assert child("CHANGE: keep the order\n" + CHILD) == CHILD


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("```python\n" + CHILD, "has no closing fence: the reply was cut off"),
        (
            fenced(CHILD.replace(END, "")),
            "the markers in the reply do not pair up: the EVOLVE-BLOCK that starts in line 6",
        ),
        (fenced(CHILD.replace(BODY, BODY + START + "\n")), "do not pair up"),
        (fenced((START + "\n" + END + "\n") * 600), "more than 1000 markers"),
        (fenced("", ""), "expected a program in one fenced"),
        (fenced("plan()\n", "sh"), "expected a program in one fenced"),
        ("no", "expected a program in one fenced"),
    ],
)
def test_what_is_no_program_is_refused_with_a_reason(reply: str, message: str) -> None:
    with pytest.raises(PatchError, match=message):
        child(reply)
