"""What the code around the EVOLVE-BLOCKs needs of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.registry import problem
from evolve.interface import missing_names, names_needed, shortcoming
from evolve.parsing.examine import examine

TOY = problem("toy").task
SEEDS = Path(__file__).parents[2] / "seeds"
PROGRAM = """\
import math
from os import path

LIMIT = 3
# EVOLVE-BLOCK-START
PRIOR = 0.5


def weight(age):
    return PRIOR**age


# EVOLVE-BLOCK-END


class Policy:
    kind = "a"

    def guess(self, hints, own=LIMIT):
        local = [weight(age) for age in range(own)]
        return self.kind, math.fsum(local), PRIOR, path, print


def guess(hints):
    return Policy().guess(hints)
"""


def test_only_names_that_are_bound_nowhere_outside_are_needed() -> None:
    assert names_needed(PROGRAM) == ("PRIOR", "weight")


def test_a_program_that_drops_one_is_told_which() -> None:
    assert missing_names(PROGRAM, examine(PROGRAM)) == ""
    dropped = PROGRAM.replace("PRIOR = 0.5\n", "").replace("PRIOR**age", "0.5**age")
    assert missing_names(dropped, examine(dropped)) == (
        "the code outside the EVOLVE-BLOCK markers uses `PRIOR`, which the program no longer defines"
    )
    assert shortcoming(TOY, dropped, examine(dropped)).startswith("the code outside")
    both = dropped.replace("def weight", "def weigh")
    assert "uses `PRIOR` and `weight`, which" in missing_names(both, examine(both))


def test_what_may_be_defined_unseen_is_not_missed() -> None:
    unseen = PROGRAM.replace("PRIOR = 0.5\n", "globals()['PRIOR'] = 0.5\n")
    assert missing_names(unseen, examine(unseen)) == ""


@pytest.mark.parametrize(
    "source",
    [
        "def guess(hints):\n    # EVOLVE-BLOCK-START\n    return missing\n    # EVOLVE-BLOCK-END\n",
        "# EVOLVE-BLOCK-START\nx = 1\n",
        "x = 1\n",
    ],
)
def test_code_that_cannot_be_read_by_itself_asks_for_nothing(source: str) -> None:
    assert names_needed(source) == ()


def test_every_initial_program_defines_what_its_frame_needs() -> None:
    for path in SEEDS.glob("*/initial.py"):
        source = path.read_text(encoding="utf-8")
        assert missing_names(source, examine(source)) == "", path
